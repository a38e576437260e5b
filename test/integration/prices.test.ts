import { type ExportSite, openExportSite } from './export-site.ts';
import { secrets } from './graphql-site.ts';
import { listen } from './injection-listen.ts';

const now = Date.UTC(2026, 2, 1, 12);
const started = performance.now();
const granule = 8192;
let site: ExportSite;

beforeAll(async () => {
  site = await openExportSite(() => now + Math.floor(performance.now() - started));
  // Of 100 events one is an Order and nine are Carts; 59 days, 3000 persons.
  await site.generate(
    `multiIf(number % 100 = 0, 'Order', number % 100 < 10, 'Cart', number % 100 = 50, '$identify', 'View') AS event,
     fromUnixTimestamp64Milli(${now} - 1 - (number * 7919 % 300000) * 17000, 'UTC'), toString(number), concat('u', toString(number % 3001)),
     concat('{"properties":{"plan":"p', toString(number % 7), '","price":', toString(number % 50), '},"traits":{"country":"c', toString(number % 5), '"}}')`,
    300_000,
  );
  // Until reports see them all.
  const isSeen = async () => {
    const { data } = (await site.site.post({ query: '{ catalog { events { count } } }' })).body;
    const { catalog } = data as { catalog: { events: readonly { count: number }[] } };
    return catalog.events.reduce((sum, { count }) => sum + count, 0) === 300_000;
  };
  while (!(await isSeen())) await new Promise((resolve) => setTimeout(resolve, 20));
}, 120_000);
afterAll(() => site.close());

interface Refusal {
  readonly code: string;
  readonly suggestions: readonly {
    readonly price: number;
    readonly changes: readonly { readonly interval: string | null; readonly last: string; readonly from: string }[];
  }[];
}

interface Priced {
  readonly total: number;
  readonly budget: number | null;
  readonly fits: boolean;
  readonly fields: readonly {
    readonly path: string[];
    readonly price: number;
    readonly rows: number;
    readonly why: string[];
  }[];
  readonly suggestions: readonly { readonly text: string; readonly price: number; readonly changes: unknown[] }[];
}

async function ask(query: string, variables: object = {}, of = site.site) {
  return (await of.post({ query, variables }, { as: secrets.read })).body;
}

async function priceOf(query: string, variables: object = {}, of = site.site): Promise<Priced> {
  const body = await ask(
    `query ($query: String!, $variables: JSONObject) { priceOf(query: $query, variables: $variables) {
      total budget fits fields { path price rows why } suggestions { text price changes { path interval last from } } } }`,
    { query, variables },
    of,
  );
  if (body.errors) throw new Error(JSON.stringify(body.errors));
  return body.data?.priceOf as Priced;
}

const last = (days: string) => `range: { last: "${days}" }`;
const questions: readonly (readonly [string, string])[] = [
  ['count of all', `trend(input: { ${last('30d')}, series: [{}] })`],
  ['count of a rare event', `trend(input: { ${last('60d')}, series: [{ event: "Order" }] })`],
  [
    'sum of a property',
    `trend(input: { ${last('30d')}, series: [{ event: "View", measure: SUM, property: "price" }] })`,
  ],
  ['unique users', `trend(input: { ${last('30d')}, series: [{ event: "View", measure: UNIQUE_USERS }] })`],
  ['weekly active', `trend(input: { ${last('30d')}, series: [{ event: "View", measure: WEEKLY_ACTIVE }] })`],
  ['percentile', `trend(input: { ${last('20d')}, series: [{ event: "Cart", measure: P90, property: "price" }] })`],
  [
    'breakdown',
    `trend(input: { ${last('31d')}, series: [{ event: "View" }], breakdown: [{ property: "plan", limit: 3 }] })`,
  ],
  [
    'breakdown by bins',
    `trend(input: { ${last('31d')}, series: [{ event: "View" }], breakdown: [{ property: "price", bins: { count: 3 } }] })`,
  ],
  [
    'previous period',
    `trend(input: { ${last('14d')}, series: [{ event: "View" }], compareTo: { previousPeriod: true } })`,
  ],
  [
    'two series',
    `trend(input: { ${last('29d')}, series: [{ event: "View", filter: { property: "plan", op: NEQ, value: "p9" } }, { event: "Cart" }] })`,
  ],
  [
    'cumulative',
    `trend(input: { ${last('28d')}, series: [{ event: "View", measure: UNIQUE_USERS }], cumulative: true })`,
  ],
  [
    'person property',
    `trend(input: { ${last('27d')}, series: [{ event: "View" }], filter: { property: "personLatest.country", value: "c0" } })`,
  ],
  [
    'session property',
    `trend(input: { ${last('26d')}, series: [{ event: "Cart" }], filter: { property: "session.events", op: GT, value: 1 } })`,
  ],
  ['funnel', `funnel(input: { ${last('30d')}, steps: [{ event: "View" }, { event: "Cart" }, { event: "Order" }] })`],
  ['rare funnel', `funnel(input: { ${last('30d')}, steps: [{ event: "Cart" }, { event: "Order" }] })`],
  [
    'retention',
    `retention(input: { ${last('30d')}, cohortEvent: { event: "Cart" }, returnEvent: { event: "View" }, kind: RECURRING })`,
  ],
  [
    'first-time retention',
    `retention(input: { ${last('7d')}, cohortEvent: { event: "Cart" }, returnEvent: { event: "Cart" } })`,
  ],
  ['lifecycle', `lifecycle(input: { ${last('14d')} })`],
  ['stickiness', `stickiness(input: { ${last('14d')}, event: "View" })`],
  ['sessions', `sessions(input: { ${last('14d')} })`],
  ['paths', `paths(input: { ${last('14d')} })`],
  ['top values', `topValues(input: { ${last('14d')}, property: "plan", event: "View" })`],
  ['live', `live`],
  ['catalog', `catalog(freshness: { maxAgeMs: 0 })`],
  ['events', `events(${last('14d')}, filter: { property: "plan", value: "p1" })`],
  ['person', `person(id: "u7")`],
];

/** The engine reads whole blocks of rows: at each end of a range, in each month. */
const blocks = 6 * granule;

test.each(questions)('rows of %s are estimated within twice what is read', async (_, field) => {
  const query = `{ a: ${field} { meta { rowsRead source } } }`;
  const { fields } = await priceOf(query);
  const body = await ask(query);
  const { rowsRead, source } = (body.data as { a: { meta: { rowsRead: number; source: string } } }).a.meta;
  const { rows } = fields[0] as Priced['fields'][number];
  expect(source).toBe('WAREHOUSE');
  expect(rows).toBeLessThanOrEqual(2 * rowsRead + blocks);
  expect(rowsRead).toBeLessThanOrEqual(2 * rows + blocks);
});

test('what no event is in costs nothing', async () => {
  const unknown = await priceOf(
    `{ trend(input: { ${last('60d')}, series: [{ event: "Odrer" }] }) { series { total } } }`,
  );
  expect(unknown).toMatchObject({ total: 0, fits: true, budget: null, suggestions: [] });
  const early = await priceOf(
    `{ trend(input: { range: { from: "2020-01-01T00:00:00Z", to: "2020-02-01T00:00:00Z" }, series: [{}] }) { series { total } } }`,
  );
  expect(early.total).toBe(0);
});

test('a longer range, another series, a breakdown and a comparison are never cheaper', async () => {
  const trend = (days: number, more = '', series = '{ event: "View", measure: UNIQUE_USERS }') =>
    priceOf(`{ trend(input: { ${last(`${days}d`)}, series: [${series}] ${more} }) { series { total } } }`);
  let before = 0;
  for (const days of [1, 2, 7, 13, 30, 45, 60, 365]) {
    const { total } = await trend(days);
    expect(total).toBeGreaterThanOrEqual(before);
    before = total;
    expect(
      (await trend(days, '', '{ event: "View", measure: UNIQUE_USERS }, { event: "Cart" }')).total,
    ).toBeGreaterThan(total);
    expect((await trend(days, 'breakdown: [{ property: "plan" }]')).total).toBeGreaterThan(total);
    expect((await trend(days, 'compareTo: { previousPeriod: true }')).total).toBeGreaterThanOrEqual(total);
  }
});

test('what an operation asks for in several places, through fragments, aliases and variables is summed up, and what is left out is not', async () => {
  const one = await priceOf(`{ trend(input: { ${last('30d')}, series: [{ event: "View" }] }) { series { total } } }`);
  const many = await priceOf(
    `query ($range: RangeInput!, $no: Boolean!) { ...F skipped: lifecycle(input: { range: $range }) @include(if: $no) { new } ingestion { asOf } }
     fragment F on Query { a: trend(input: { range: $range, series: [{ event: "View" }] }) { series { total } }
       b: trend(input: { range: $range, series: [{ event: "Cart" }] }) { series { total } } }`,
    { range: { last: '30d' }, no: false },
  );
  expect(many.fields.map(({ path }) => path)).toEqual([['a'], ['b'], ['ingestion']]);
  expect(many.fields[0]).toMatchObject({ price: one.total });
  expect(many.total).toBe(many.fields.reduce((sum, { price }) => sum + price, 0));
  expect(many.fields[2]).toMatchObject({ price: 0 });
});

test('fields that are computed afterwards cost more than the report alone', async () => {
  const funnel = `funnel(input: { ${last('30d')}, steps: [{ event: "Cart" }, { event: "Order" }] })`;
  const alone = await priceOf(`{ ${funnel} { steps { count } } }`);
  const whole = await priceOf(
    `{ ${funnel} { steps { count people(first: 1) { nodes { userId } } } trend { conversion } } }`,
  );
  expect(whole.total).toBeGreaterThan(alone.total);
});

test('reports of several entities are one statement', async () => {
  const of = (ids: string) =>
    priceOf(
      `{ entityReports(property: "plan", ids: [${ids}]) { trend(input: { ${last('30d')}, series: [{ event: "View" }] }) { meta { rowsRead } } } }`,
    );
  const [one, two] = [await of('"p1"'), await of('"p1", "p2"')];
  expect(two.fields[0]?.rows).toBe(one.fields[0]?.rows);
  expect(one.fields[0]?.rows).toBeGreaterThan(100_000);
});

test('a saved report costs what it runs', async () => {
  const inner = `trend(input: { ${last('30d')}, series: [{ event: "View" }] }) { series { total } }`;
  const saved = await site.site.post(
    {
      query: `mutation ($document: String!) { saveReport(input: { name: "views", document: $document }) { version } }`,
      variables: { document: `{ ${inner} }` },
    },
    { as: secrets.edit },
  );
  expect(saved.body.errors).toBeUndefined();
  const plain = await priceOf(`{ ${inner} }`);
  expect((await priceOf('{ savedReport(name: "views") { data } }')).total).toBe(plain.total);
});

test('what is wrong with an operation is said', async () => {
  const refusal = async (variables: object) => {
    const query =
      'query ($query: String!, $variables: JSONObject) { priceOf(query: $query, variables: $variables) { total } }';
    const { errors = [] } = (await site.site.post({ query, variables }, { as: secrets.read })).body;
    return errors.map(({ message, extensions }) => `${extensions.code}: ${message}`);
  };
  expect(await refusal({ query: '{ trend' })).toEqual([expect.stringMatching(/^INVALID_INPUT: query: Syntax Error/)]);
  expect(await refusal({ query: '{ trent { a } }' })).toEqual([
    expect.stringMatching(/^INVALID_INPUT: query: Cannot query field "trent"/),
  ]);
  expect(await refusal({ query: 'query A { ingestion { asOf } } query B { ingestion { asOf } }' })).toEqual([
    'INVALID_INPUT: query: expected one operation, or its name as operationName, got 2',
  ]);
  expect(await refusal({ query: 'query ($a: Int!) { deletions(first: $a) { id } }' })).toEqual([
    expect.stringMatching(/^INVALID_INPUT: variables: Variable "\$a"/),
  ]);
  const range = await priceOf('{ trend(input: { range: { last: "soon" }, series: [{}] }) { series { total } } }');
  expect(range.fields[0]?.why).toEqual([expect.stringContaining('is refused: INVALID_RANGE')]);
});

describe('with a budget', () => {
  let labels: string[] = [];
  let limited: Awaited<ReturnType<ExportSite['openBeside']>>;
  const most = 100_000;
  beforeAll(async () => {
    limited = await site.openBeside(
      (warehouse) => ({
        ...warehouse,
        query(statement, options) {
          if ((options.lane ?? 'reports') === 'reports') labels.push(options.label);
          return warehouse.query(statement, options);
        },
      }),
      [{ target: 'shop', perOperation: most, perMinute: 10 * most }],
    );
  });
  afterAll(() => limited.close());
  beforeEach(() => {
    labels = [];
  });

  const trend = (range: string, more = '') =>
    `{ trend(input: { range: ${range}, series: [{ event: "View" }] ${more} }) { series { total } } }`;
  const refusalOf = async (query: string) => {
    const { status, body } = await limited.site.post({ query }, { as: secrets.read });
    expect(body.data ?? null).toBeNull();
    return { status, ...(body.errors?.[0] as unknown as { message: string; extensions: Refusal }) };
  };

  test('a price is told without a statement of a report', async () => {
    const { budget, fits } = await priceOf(trend('{ last: "60d" }'), {}, limited.site);
    expect({ budget, fits, labels }).toEqual({ budget: most, fits: false, labels: [] });
  });

  test('what costs more is refused before it runs, each time, with a shorter range that is then accepted', async () => {
    const query = trend('{ last: "60d" }');
    for (let i = 0; i < 5; i++) {
      const { status, message, extensions } = await refusalOf(query);
      expect(status).toBe(400);
      expect(extensions).toMatchObject({ code: 'OVER_BUDGET', budget: most, price: expect.any(Number) });
      expect(message).toMatch(
        /^expected an operation that costs at most 100,000, got one that costs 2\d\d,\d{3}: trend: range\.last: "\d+d" costs/,
      );
      const { price, changes } = extensions.suggestions[0] as Refusal['suggestions'][number];
      const days = Number(changes[0]?.last.slice(0, -1));
      expect(price).toBeLessThanOrEqual(most);
      // Nearly all that fits is made use of.
      expect(price).toBeGreaterThan(0.7 * most);
      expect(labels).toEqual([]);
      if (i < 4) continue;
      const { body } = await limited.site.post({ query: trend(`{ last: "${days}d" }`) }, { as: secrets.read });
      expect(body.errors).toBeUndefined();
    }
  });

  test('a range with a beginning is made shorter from there', async () => {
    const to = '2026-03-01T00:00:00Z';
    const { extensions } = await refusalOf(trend(`{ from: "2026-01-05T00:00:00Z", to: "${to}" }`));
    const from = extensions.suggestions[0]?.changes[0]?.from;
    const { body } = await limited.site.post(
      { query: trend(`{ from: "${from}", to: "${to}" }`) },
      { as: secrets.read },
    );
    expect(body.errors).toBeUndefined();
  });

  test('a coarser interval fits where numbers are too many', async () => {
    const { extensions } = await refusalOf(trend('{ last: "6d" }', 'interval: MINUTE'));
    const coarser = extensions.suggestions.find((one) => one.changes[0]?.interval);
    expect(coarser).toMatchObject({ changes: [{ path: ['trend'], interval: 'HOUR', last: null, from: null }] });
    const { body } = await limited.site.post(
      { query: trend('{ last: "6d" }', 'interval: HOUR') },
      { as: secrets.read },
    );
    expect(body.errors).toBeUndefined();
  });

  test('exports cost what their reports cost', async () => {
    const get = (days: string) =>
      limited.site.send({
        method: 'GET',
        url: `/export/trend.csv?input=${encodeURIComponent(JSON.stringify({ range: { last: days }, series: [{ event: 'View' }] }))}`,
        headers: { authorization: `Bearer ${secrets.read}` },
      });
    const refused = await get('60d');
    expect(refused.status).toBe(400);
    expect(refused.body.errors?.[0]?.extensions).toMatchObject({ code: 'OVER_BUDGET' });
    expect((await get('2d')).status).toBe(200);
  });

  test('a subscription costs what its trend costs, when it begins; live events what their filter has to know', async () => {
    const subscription = (days: string) =>
      `subscription { trendChanges(input: { ${last(days)}, series: [{ event: "View" }] }) { series { total } } }`;
    const [small, live] = [await priceOf(subscription('2d')), await priceOf('subscription { liveEvents { lost } }')];
    expect(small.total).toBe((await priceOf(trend('{ last: "2d" }'))).total);
    expect(small.fields).toMatchObject([{ path: ['trendChanges'], rows: expect.any(Number) }]);
    expect(live).toMatchObject({ total: 0, fields: [{ path: ['liveEvents'], rows: 0 }] });
    const ofCountry = 'filter: { property: "person.country", op: EQ, value: "c1" }';
    const looked = await priceOf(`subscription { liveEvents(${ofCountry}) { lost } }`);
    const identified = await priceOf(trend('{ last: "60d" }').replace('"View"', '"$identify"'));
    expect(looked.fields[0]!.rows).toBe(identified.fields[0]!.rows);
    expect(looked.total).toBeGreaterThan(0);

    const refused = await listen(limited.url, secrets.read, subscription('60d'), {});
    expect(refused.data ?? null).toBeNull();
    const { message, extensions } = refused.errors![0] as unknown as { message: string; extensions: Refusal };
    expect(extensions.code).toBe('OVER_BUDGET');
    expect(message).toContain('trendChanges: range.last:');
    expect(labels).toEqual([]);
    const shorter = extensions.suggestions[0]!.changes[0]!.last;
    const accepted = await listen(limited.url, secrets.read, subscription(shorter), {});
    expect(accepted.errors).toBeUndefined();
    expect(accepted.data).toMatchObject({ trendChanges: { series: [{ total: expect.any(Number) }] } });
  });

  test('what a minute has is spent once, whichever lane answers, and comes back', async () => {
    const query = trend('{ last: "18d" }');
    const statuses: number[] = [];
    let last: Awaited<ReturnType<typeof refusalOf>> | null = null;
    for (let i = 0; i < 14; i++) {
      const { status, headers, body } = await limited.site.post({ query }, { as: secrets.read });
      statuses.push(status);
      if (status !== 429) continue;
      last = { status, ...(body.errors?.[0] as unknown as { message: string; extensions: Refusal }) };
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      break;
    }
    // 10 budgets of an operation a minute, of which others have taken some.
    expect(statuses.length).toBeGreaterThan(3);
    expect(last?.extensions).toMatchObject({ code: 'BUDGET_SPENT', retriable: true });
  });
});
