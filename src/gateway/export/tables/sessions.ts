import type { QuerySessionsArgs } from '../../../../resolvers/types.generated.ts';
import type { Sessions } from '../../../reports/sessions/sessions.ts';
import { type Column, type Row, type Table, toOpenTable } from '../table.ts';

const line: readonly Column[] = [
  { name: 'breakdown', type: 'text' },
  { name: 'isOther', type: 'boolean' },
];
const figures: readonly Column[] = [
  { name: 'sessions', type: 'integer' },
  { name: 'persons', type: 'integer' },
  { name: 'averageSeconds', type: 'number' },
  { name: 'medianSeconds', type: 'number' },
  { name: 'bounceRate', type: 'number' },
  { name: 'eventsPerSession', type: 'number' },
];

/** A row for each line and bucket. */
export const sessions: Table<QuerySessionsArgs> = {
  name: 'sessions',
  parameters: '$input: SessionsInput!',
  columns: [...line, { name: 'start', type: 'time' }, ...figures],
  async open(ask, { input }) {
    const report = await ask().sessions(input);
    return toOpenTable(report.meta, toRows(report));
  },
};

/** A row for each line: figures of the whole range. */
export const sessionsTotals: Table<QuerySessionsArgs> = {
  name: 'sessions-totals',
  parameters: '$input: SessionsInput!',
  columns: [...line, ...figures],
  async open(ask, { input }) {
    const { meta, series } = await ask().sessions(input);
    return toOpenTable(
      meta,
      series.map((one) => [...toLine(one), ...toFigures(one.total)]),
    );
  },
};

/** A row for each page on which sessions begin or end. */
export const sessionsPages: Table<QuerySessionsArgs> = {
  name: 'sessions-pages',
  parameters: '$input: SessionsInput!',
  columns: [
    { name: 'kind', type: 'text' },
    { name: 'page', type: 'text' },
    { name: 'isOther', type: 'boolean' },
    { name: 'sessions', type: 'integer' },
  ],
  async open(ask, { input }) {
    const { meta, entryPages, exitPages } = await ask().sessions(input);
    const toRow = (kind: string) => (one: Sessions['entryPages'][number]) => [
      kind,
      one.page,
      one.isOther,
      one.sessions,
    ];
    return toOpenTable(meta, [...entryPages.map(toRow('ENTRY')), ...exitPages.map(toRow('EXIT'))]);
  },
};

function* toRows({ buckets, series }: Sessions): Generator<Row> {
  for (const one of series)
    for (const [i, start] of buckets.entries())
      yield [...toLine(one), start.getTime(), ...toFigures(one.values[i] as Figures)];
}

type Series = Sessions['series'][number];
type Figures = Series['total'];

function toLine({ breakdown, isOther }: Series): Row {
  return [breakdown[0] ?? null, isOther];
}

function toFigures(of: Figures): Row {
  return [of.sessions, of.persons, of.averageSeconds, of.medianSeconds, of.bounceRate, of.eventsPerSession];
}
