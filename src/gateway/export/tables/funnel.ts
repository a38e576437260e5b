import type { FunnelTrendArgs, QueryFunnelArgs } from '../../../../resolvers/types.generated.ts';
import { TallygateError } from '../../../errors.ts';
import type { Funnel } from '../../../reports/funnel/funnel.ts';
import { personColumns, personsOfPage, type Row, type Table, toOpenTable, toPersonTable } from '../table.ts';

/** A row for each step: of all together first, then of each value of the breakdown. */
export const funnel: Table<QueryFunnelArgs & { readonly times: boolean }> = {
  name: 'funnel',
  parameters: '$input: FunnelInput!, $times: Boolean! = true',
  columns: [
    { name: 'breakdown', type: 'text' },
    { name: 'isOther', type: 'boolean' },
    { name: 'step', type: 'integer' },
    { name: 'event', type: 'text' },
    { name: 'count', type: 'integer' },
    { name: 'conversionFromStart', type: 'number' },
    { name: 'conversionFromPrevious', type: 'number' },
    { name: 'medianSecondsFromPrevious', type: 'number' },
    { name: 'p90SecondsFromPrevious', type: 'number' },
    { name: 'medianSecondsFromStart', type: 'number' },
    { name: 'p90SecondsFromStart', type: 'number' },
  ],
  async open(ask, { input, times }) {
    const report = await ask().funnel(input);
    const lines = [{ value: null, isOther: false, steps: report.steps }, ...(report.breakdown ?? [])];
    const rows: Row[] = [];
    for (const { value, isOther, steps } of lines)
      for (const [i, step] of steps.entries()) {
        const took = times ? await step.times() : null;
        rows.push([
          value,
          isOther,
          i + 1,
          step.event,
          step.count,
          step.conversionFromStart,
          step.conversionFromPrevious,
          took?.medianSecondsFromPrevious ?? null,
          took?.p90SecondsFromPrevious ?? null,
          took?.medianSecondsFromStart ?? null,
          took?.p90SecondsFromStart ?? null,
        ]);
      }
    return toOpenTable(report.meta, rows);
  },
};

/** A row for each interval and step. */
export const funnelTrend: Table<QueryFunnelArgs & FunnelTrendArgs> = {
  name: 'funnel-trend',
  parameters: '$input: FunnelInput!, $interval: Interval = DAY',
  columns: [
    { name: 'start', type: 'time' },
    { name: 'step', type: 'integer' },
    { name: 'event', type: 'text' },
    { name: 'count', type: 'integer' },
  ],
  async open(ask, { input, interval }) {
    const report = await ask().funnel(input);
    const points = await report.trend({ interval });
    return toOpenTable(
      report.meta,
      points.flatMap(({ start, counts }) =>
        counts.map((count, i) => [start.getTime(), i + 1, report.steps[i]?.event ?? null, count]),
      ),
    );
  },
};

interface FunnelPeopleArgs extends QueryFunnelArgs {
  readonly step: number;
  readonly droppedOff: boolean;
  readonly breakdown?: string | null;
  readonly isOther: boolean;
}

/** Who got at least to a step, or no further than to the one before. */
export const funnelPeople: Table<FunnelPeopleArgs> = {
  name: 'funnel-people',
  parameters:
    '$input: FunnelInput!, $step: Int!, $droppedOff: Boolean! = false, $breakdown: String, $isOther: Boolean! = false',
  columns: personColumns,
  async open(ask, args) {
    const { input, droppedOff } = args;
    const report = await ask().funnel(input);
    const page = (of: Funnel, after: string | null) => {
      const step = toStep(of, args);
      const size = { first: personsOfPage, most: personsOfPage, after };
      return droppedOff ? step.droppedOff(size) : step.people(size);
    };
    return toPersonTable(report.meta, await page(report, null), async (after, at) =>
      page(await ask().funnel({ ...input, freshness: { at } }), after),
    );
  },
};

function toStep({ steps, breakdown }: Funnel, args: FunnelPeopleArgs): Funnel['steps'][number] {
  const isOfLine = args.isOther || (args.breakdown !== null && args.breakdown !== undefined);
  const line = isOfLine
    ? breakdown?.find(({ value, isOther }) => (args.isOther ? isOther : !isOther && value === args.breakdown))
    : { steps };
  if (!line)
    throw new TallygateError(
      'INVALID_INPUT',
      `breakdown: expected the value of one of the report's lines, got ${args.isOther ? 'isOther' : JSON.stringify(args.breakdown).slice(0, 100)}`,
    );
  const step = line.steps[args.step - 1];
  if (!step) throw new TallygateError('INVALID_INPUT', `step: expected 1 to ${steps.length}, got ${args.step}`);
  return step;
}
