import { tables } from '../../src/gateway/export/tables/index.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { formatNames, readRows } from './export-readers.ts';
import { type ExportSite, openExportSite, type StoredRow, toQuery } from './export-site.ts';
import { secrets } from './graphql-site.ts';

/** Every table beside what GraphQL answers to the same input: the numbers themselves are the oracle's business. */

const now = Date.UTC(2026, 2, 20, 12);
const started = Date.now();
let site: ExportSite;
beforeAll(async () => {
  site = await openExportSite(() => now + Date.now() - started);
  const rows: StoredRow[] = [];
  for (let i = 0; i < 400; i++) {
    const at = new Date(now - 60_000 * (i * 19 + (i % 7)));
    rows.push({
      time: at.toISOString().replace('T', ' ').replace('Z', ''),
      kind: i % 3 === 0 ? 'page' : 'track',
      event: i % 3 === 0 ? '$page' : (['Visit', 'Order', 'Pay'][i % 4] ?? 'Visit'),
      userId: `u${Math.floor(i / 3) % 41}`,
      data: JSON.stringify({
        properties: { plan: ['a', 'b', 'c,"d"', undefined][i % 4], path: `/${i % 5}`, price: i / 4 },
      }),
    });
  }
  rows.push({
    event: 'Visit',
    userId: 'u1',
    time: new Date(now - 1000).toISOString().replace('T', ' ').replace('Z', ''),
  });
  rows.push({
    kind: 'identify',
    event: '$identify',
    userId: 'u1',
    time: '2026-03-01 00:00:00.000',
    data: '{"traits":{"plan":"pro"}}',
  });
  await site.store(rows);
  // From now on everything is seen.
  await site.get(`/export/live-totals.csv${toQuery({ freshness: { maxAgeMs: 0 } })}`);
}, 60_000);
afterAll(() => site.close());

const range = { from: '2026-03-01T00:00:00Z', to: '2026-03-21T00:00:00Z', timezone: 'Europe/Berlin' };
const steps = [{ event: 'Visit' }, { event: 'Order' }, { event: 'Pay' }];
const trend = {
  range,
  series: [
    { event: 'Order', label: 'orders' },
    { measure: 'AVG', property: 'price' },
  ],
  formulas: ['A / B'],
  breakdown: [
    { property: 'plan', limit: 2 },
    { property: 'price', bins: { edges: [50] } },
  ],
  compareTo: { shift: '7d' },
};
/** Of a line, or of what it is compared with. */
const toLine = ({ letter, label, breakdown, isOther }: Answer, isPrevious: boolean) =>
  [letter, label, breakdown![0], breakdown![1], null, isOther, isPrevious] as unknown[];
const line = 'letter label breakdown isOther';
const funnel = { range, steps, breakdown: { property: 'plan', limit: 2 } };
const retention = {
  range,
  interval: 'WEEK',
  cohortEvent: { event: 'Visit' },
  returnEvent: {},
  kind: 'RECURRING',
  periods: 3,
};
const sessions = { range, interval: 'WEEK', breakdown: { property: 'plan', limit: 1 }, pages: 3 };
const paths = { range, depth: 3 };
const stickiness = { range, interval: 'WEEK' };
const topValues = { range, property: 'plan', limit: 2 };

type Answer = { readonly [field: string]: Answer } & readonly Answer[] & string;
interface Case {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The report field with its arguments, in variables of the same names, and what to ask of it. */
  readonly query: string;
  readonly toRows: (report: Answer) => unknown[][];
}

const figures = 'sessions persons averageSeconds medianSeconds bounceRate eventsPerSession';
const toFigures = (of: Answer) => figures.split(' ').map((name) => of[name]);
const cases: Readonly<Record<string, Case>> = {
  events: {
    // Whose answer needs who is who, and the clock on the wall.
    parameters: {
      range,
      filter: {
        or: [
          { property: '$event', value: 'Order' },
          {
            and: [
              { property: 'personLatest.plan', value: 'pro' },
              { property: '$hour', op: 'LT', value: 20 },
            ],
          },
        ],
      },
      order: 'OLDEST',
    },
    query:
      'events(range: $range, filter: $filter, order: OLDEST, first: 1000) { nodes { messageId type event timestamp originalTimestamp sentAt receivedAt userId anonymousId groupId previousId properties context traits } }',
    toRows: ({ nodes }) =>
      nodes!.map((node) =>
        Object.values(node).map((cell) => (typeof cell === 'object' && cell !== null ? JSON.stringify(cell) : cell)),
      ),
  },
  trend: {
    parameters: { input: trend },
    query: `trend(input: $input) { buckets series { ${line} values previous { buckets values } } }`,
    toRows: ({ buckets, series }) =>
      series!.flatMap((one) =>
        [{ buckets, values: one.values }, one.previous!].flatMap((part, at) =>
          part.buckets!.map((start, i) => [...toLine(one, at === 1), start, (part.values as unknown as Answer)[i]]),
        ),
      ),
  },
  'trend-totals': {
    parameters: { input: trend },
    query: `trend(input: $input) { series { ${line} total previous { total } } }`,
    toRows: ({ series }) =>
      series!.flatMap((one) => [
        [...toLine(one, false), one.total],
        [...toLine(one, true), one.previous!.total],
      ]),
  },
  funnel: {
    parameters: { input: funnel },
    query: `funnel(input: $input) { steps { ...step } breakdown { value isOther steps { ...step } } } } fragment step on FunnelStep {
      event count conversionFromStart conversionFromPrevious medianSecondsFromPrevious p90SecondsFromPrevious medianSecondsFromStart p90SecondsFromStart`,
    toRows: ({ steps: all, breakdown }) =>
      [
        { value: null, isOther: false, steps: all },
        ...(breakdown as unknown as { value: string; isOther: boolean; steps: Answer }[]),
      ].flatMap((line) => line.steps!.map((step, i) => [line.value, line.isOther, i + 1, ...Object.values(step)])),
  },
  'funnel-trend': {
    parameters: { input: funnel, interval: 'WEEK' },
    query: 'funnel(input: $input) { trend(interval: WEEK) { start counts } }',
    toRows: ({ trend: points }) =>
      points!.flatMap(({ start, counts }) => counts!.map((count, i) => [start, i + 1, steps[i]!.event, count])),
  },
  'funnel-people': {
    parameters: { input: { ...funnel, windowSeconds: 60 }, step: 2, droppedOff: true, breakdown: 'a' },
    query: 'funnel(input: $input) { breakdown { value steps { droppedOff { nodes { id userId anonymousId } } } } }',
    toRows: ({ breakdown }) =>
      breakdown!.find(({ value }) => value === 'a')!.steps![1]!.droppedOff!.nodes!.map((node) => Object.values(node)),
  },
  retention: {
    parameters: { input: retention },
    query: 'retention(input: $input) { cohorts { start size counts rates complete } }',
    toRows: ({ cohorts }) =>
      cohorts!.flatMap(({ start, size, counts, rates, complete }) =>
        counts!.map((count, i) => [null, false, start, size, i, count, rates![i], complete![i]]),
      ),
  },
  'retention-people': {
    parameters: { input: retention, cohort: '2026-03-08T23:00:00Z', period: 1 },
    query:
      'retention(input: $input) { people(cohort: "2026-03-08T23:00:00Z", period: 1) { nodes { id userId anonymousId } } }',
    toRows: ({ people }) => people!.nodes!.map((node) => Object.values(node)),
  },
  sessions: {
    parameters: { input: sessions },
    query: `sessions(input: $input) { buckets series { breakdown isOther values { ${figures} } } }`,
    toRows: ({ buckets, series }) =>
      series!.flatMap((one) =>
        buckets!.map((start, i) => [
          one.breakdown![0],
          one.isOther,
          start,
          ...toFigures((one.values as unknown as Answer)[i]!),
        ]),
      ),
  },
  'sessions-totals': {
    parameters: { input: sessions },
    query: `sessions(input: $input) { series { breakdown isOther total { ${figures} } } }`,
    toRows: ({ series }) => series!.map((one) => [one.breakdown![0], one.isOther, ...toFigures(one.total!)]),
  },
  'sessions-pages': {
    parameters: { input: sessions },
    query: 'sessions(input: $input) { entryPages { page isOther sessions } exitPages { page isOther sessions } }',
    toRows: ({ entryPages, exitPages }) => [
      ...entryPages!.map((page) => ['ENTRY', ...Object.values(page)]),
      ...exitPages!.map((page) => ['EXIT', ...Object.values(page)]),
    ],
  },
  'paths-nodes': {
    parameters: { input: paths },
    query: 'paths(input: $input) { nodes { step name sessions persons began ended } }',
    toRows: ({ nodes }) => nodes!.map((node) => Object.values(node)),
  },
  'paths-links': {
    parameters: { input: paths },
    query: 'paths(input: $input) { links { step from to sessions persons } }',
    toRows: ({ links }) => links!.map((link) => Object.values(link)),
  },
  lifecycle: {
    parameters: { input: stickiness },
    query: 'lifecycle(input: $input) { buckets new returning resurrecting dormant complete }',
    toRows: (of) =>
      of.buckets!.map((start, i) => [
        start,
        of.new![i],
        of.returning![i],
        of.resurrecting![i],
        of.dormant![i],
        of.complete![i],
      ]),
  },
  stickiness: {
    parameters: { input: stickiness },
    query: 'stickiness(input: $input) { persons }',
    toRows: ({ persons }) => persons!.map((count, i) => [i + 1, count]),
  },
  'top-values': {
    parameters: { input: topValues },
    query: 'topValues(input: $input) { values { value isNone isOther events persons share } }',
    toRows: ({ values }) => (values as unknown as Answer[]).map((one) => Object.values(one)),
  },
  'live-minutes': {
    parameters: { filter: { property: '$userId', op: 'EXISTS' } },
    query: 'live(filter: $filter) { minutes { start events persons } }',
    toRows: ({ minutes }) => minutes!.map((one) => Object.values(one)),
  },
  'live-totals': {
    parameters: {},
    query: 'live { last5Minutes { events persons } last30Minutes { events persons } }',
    toRows: (of) => [
      [5, ...Object.values(of.last5Minutes!)],
      [30, ...Object.values(of.last30Minutes!)],
    ],
  },
  'live-names': {
    parameters: { limit: 3 },
    query: 'live(limit: $limit) { topEvents { name events persons } topPages { name events persons } }',
    toRows: ({ topEvents, topPages }) => [
      ...topEvents!.map((one) => ['EVENT', ...Object.values(one)]),
      ...topPages!.map((one) => ['PAGE', ...Object.values(one)]),
    ],
  },
};

test('every report that GraphQL has is a table', () => {
  const inputs = Object.values(createSchema().getQueryType()!.getFields()).flatMap(({ args }) =>
    args.filter(({ name }) => name === 'input').map(({ type }) => `$input: ${type}`),
  );
  expect(inputs.length).toBeGreaterThan(7);
  for (const input of inputs)
    expect(tables.map(({ parameters }) => parameters)).toContainEqual(expect.stringContaining(input));
});

test.each(tables.map((table) => [table.name, table] as const))(
  '%s is what GraphQL answers, in every format',
  async (name, table) => {
    const { parameters, query, toRows } = cases[name]!;
    const declared = table.parameters
      .replace(/\$order[^,]*,|, \$freshness.*/g, '')
      .split(/,\s*/)
      .filter((one) => query.includes(/^\$\w+/.exec(one.trim())![0]));
    const { body } = await site.site.post(
      {
        query: `query ${declared.length > 0 ? `(${declared.join(', ')})` : ''} { ${query} }`,
        variables: parameters,
      },
      { as: secrets.read },
    );
    expect(body.errors).toBeUndefined();
    const expected = toRows(Object.values(body.data!)[0] as Answer);
    expect(expected.length).toBeGreaterThan(0);
    for (const format of formatNames) {
      const response = await site.get(`/export/${name}.${format}${toQuery(parameters)}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect([response.status, response.status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
      expect(response.headers.get('tallygate-as-of')).toMatch(/^2026-03-20T/);
      const rows = (await readRows(format, bytes, table)).map((row) =>
        row.map((cell, i) =>
          table.columns[i]!.type === 'time' && cell !== null ? new Date(cell as number).toISOString() : cell,
        ),
      );
      // Positions are of exports alone.
      expect([format, table.hasPositions ? rows.map((row) => row.slice(0, -1)) : rows]).toEqual([format, expected]);
    }
  },
);

test('a warning of the report is in a header, in ASCII', async () => {
  const input = { range, series: [{ event: 'Ordér 💥' }] };
  const response = await site.get(`/export/trend.csv${toQuery({ input })}`);
  expect(JSON.parse(response.headers.get('tallygate-warnings')!)).toEqual([expect.stringContaining('"Ordér 💥"')]);
  expect((await response.text()).split('\r\n')).toHaveLength(23);
});
