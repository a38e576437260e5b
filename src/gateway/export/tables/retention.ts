import type { QueryRetentionArgs, RetentionPeopleArgs } from '../../../../resolvers/types.generated.ts';
import type { Retention } from '../../../reports/retention/retention.ts';
import { personColumns, personsOfPage, type Row, type Table, toOpenTable, toPersonTable } from '../table.ts';

/** A row for each cohort and period. */
export const retention: Table<QueryRetentionArgs> = {
  name: 'retention',
  parameters: '$input: RetentionInput!',
  columns: [
    { name: 'breakdown', type: 'text' },
    { name: 'isOther', type: 'boolean' },
    { name: 'start', type: 'time' },
    { name: 'size', type: 'integer' },
    { name: 'period', type: 'integer' },
    { name: 'count', type: 'integer' },
    { name: 'rate', type: 'number' },
    { name: 'complete', type: 'boolean' },
  ],
  async open(ask, { input }) {
    const report = await ask().retention(input);
    return toOpenTable(report.meta, toRows(report));
  },
};

function* toRows({ cohorts }: Retention): Generator<Row> {
  for (const { breakdown, isOther, start, size, counts, rates, complete } of cohorts)
    for (const [period, count] of counts.entries())
      yield [
        breakdown[0] ?? null,
        isOther,
        start.getTime(),
        size,
        period,
        count,
        rates[period] ?? null,
        complete[period] as boolean,
      ];
}

/** The persons of a cell. */
export const retentionPeople: Table<QueryRetentionArgs & RetentionPeopleArgs> = {
  name: 'retention-people',
  parameters:
    '$input: RetentionInput!, $cohort: DateTime!, $period: Int, $breakdown: [String!], $isOther: Boolean = false',
  columns: personColumns,
  async open(ask, { input, cohort, period, breakdown, isOther }) {
    const report = await ask().retention(input);
    const cell = { cohort, period, breakdown, isOther, first: personsOfPage, most: personsOfPage };
    return toPersonTable(report.meta, await report.people(cell), async (after, at) =>
      (await ask().retention({ ...input, freshness: { at } })).people({ ...cell, after }),
    );
  },
};
