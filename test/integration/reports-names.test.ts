import type { Warehouse } from '../../src/ports/warehouse.ts';
import type { WatermarkReader } from '../../src/reports/moment/watermark.ts';
import { createNamesReader, type NamesReader } from '../../src/reports/names/known.ts';
import type { ReportRequest } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';
import type { SentEvent } from '../oracle/sent.ts';

/** Names that nobody knows, at every place where a name can stand. */

const receivedAt = Date.UTC(2026, 0, 10);
const range = { from: new Date(Date.UTC(2026, 0, 1)), to: new Date(receivedAt + 1) };
const events: readonly SentEvent[] = [
  {
    kind: 'track',
    input: {
      event: 'Order Completed',
      userId: 'u',
      groupId: 'g',
      messageId: 'm1',
      properties: { country: 'NL', revenue: 10, cart: { size: 1 } },
    },
  },
  { kind: 'track', input: { event: 'Signed Up', userId: 'u', messageId: 'm2', properties: { country: 'NL' } } },
  { kind: 'page', input: { userId: 'u', messageId: 'm3', properties: { path: '/checkout' } } },
  { kind: 'identify', input: { userId: 'u', messageId: 'm4', traits: { plan: 'pro' } } },
  { kind: 'group', input: { userId: 'u', groupId: 'g', messageId: 'm5', traits: { industry: 'tea' } } },
];

let service: Service;
let project: Project;
beforeAll(async () => {
  service = await openService();
  project = service.openProject();
  const { token } = await project.send({ receivedAt, events });
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
});
afterAll(() => service.close());

type Ask = (ask: ReportRequest) => Promise<{ readonly meta: { readonly warnings: readonly string[] } } | null>;

const filter = { and: [{ property: 'contry', value: 'NL' }] };
const noCountry = 'no event has a property "contry": did you mean "country"?';
const noOrder = 'no event is named "Order Complted": did you mean "Order Completed"?';
const order = 'Order Complted';
const known = { event: 'Order Completed' };

test.each<[Ask, readonly string[]]>([
  [(ask) => ask.trend({ range, series: [known, { event: order }] }), [`series[1].event: ${noOrder}`]],
  [(ask) => ask.trend({ range, series: [{ filter }] }), [`series[0].filter.and[0].property: ${noCountry}`]],
  [
    (ask) => ask.trend({ range, series: [{ measure: 'SUM', property: 'revenu' }] }),
    ['series[0].property: no event has a property "revenu": did you mean "revenue"?'],
  ],
  [(ask) => ask.trend({ range, series: [known], filter }), [`filter.and[0].property: ${noCountry}`]],
  [
    (ask) => ask.trend({ range, series: [known], breakdown: [{ property: 'contry' }] }),
    [`breakdown[0].property: ${noCountry}`],
  ],
  [(ask) => ask.funnel({ range, steps: [known, { event: order }] }), [`steps[1].event: ${noOrder}`]],
  [
    (ask) => ask.funnel({ range, steps: [known, known], exclusions: [{ event: order, filter }] }),
    [`exclusions[0].event: ${noOrder}`, `exclusions[0].filter.and[0].property: ${noCountry}`],
  ],
  [(ask) => ask.funnel({ range, steps: [known, known], by: 'contry' }), [`by: ${noCountry}`]],
  [
    (ask) => ask.funnel({ range, steps: [known, known], by: 'session', breakdown: { property: 'contry' } }),
    [`breakdown.property: ${noCountry}`],
  ],
  [
    (ask) => ask.retention({ range, cohortEvent: { event: order }, returnEvent: { event: 'Signd Up', filter } }),
    [
      `cohortEvent.event: ${noOrder}`,
      'returnEvent.event: no event is named "Signd Up": did you mean "Signed Up"?',
      `returnEvent.filter.and[0].property: ${noCountry}`,
    ],
  ],
  [(ask) => ask.lifecycle({ range, event: order }), [`event: ${noOrder}`]],
  [(ask) => ask.stickiness({ range, event: order }), [`event: ${noOrder}`]],
  [(ask) => ask.sessions({ range, breakdown: { property: 'contry' } }), [`breakdown.property: ${noCountry}`]],
  [
    (ask) => ask.topValues({ range, property: 'contry', event: order }),
    [`property: ${noCountry}`, `event: ${noOrder}`],
  ],
  [
    (ask) => ask.paths({ range, rules: [{ event: order, property: 'contry' }] }),
    [`rules[0].event: ${noOrder}`, `rules[0].property: ${noCountry}`],
  ],
  [
    (ask) => ask.paths({ range, from: '/chekout' }),
    ['from: no step in the range is called "/chekout": did you mean "/checkout"?'],
  ],
  [
    (ask) => ask.paths({ range, to: order }),
    ['to: no step in the range is called "Order Complted": did you mean "Order Completed"?'],
  ],
  [(ask) => ask.paths({ range, from: '/checkout' }), []],
  [(ask) => ask.live({ filter }), [`filter.and[0].property: ${noCountry}`]],
  [(ask) => ask.events({ range, filter }), [`filter.and[0].property: ${noCountry}`]],
  [
    (ask) => ask.events({ range, filter: { property: '$event', op: 'IN', value: [order, 'Signed Up'] } }),
    [`filter.value: ${noOrder}`],
  ],
  [
    (ask) => ask.events({ range, filter: { property: '$evnt', value: 'Signed Up' } }),
    ['filter.property: no event has a property "$evnt": did you mean "$event"?'],
  ],
  [
    (ask) => ask.events({ range, filter: { property: 'plan', value: 'pro' } }),
    ['filter.property: no event has a property "plan": did you mean "person.plan" or "traits.plan"?'],
  ],
  [
    (ask) => ask.events({ range, filter: { property: 'person.industry', value: 'tea' } }),
    ['filter.property: no event has a property "person.industry": did you mean "group.industry" or "traits.industry"?'],
  ],
  [
    async (ask) => (await ask.person({ id: 'u' }))!.timeline({ range, filter }),
    [`filter.and[0].property: ${noCountry}`],
  ],
  [
    // What is there, as it may be named.
    (ask) =>
      ask.events({
        range,
        filter: {
          or: [
            'country',
            'properties.country',
            'cart',
            'cart.size',
            'traits.plan',
            'person.plan',
            'personLatest.plan',
            'groupLatest.industry',
            '$hour',
          ].map((property) => ({ property, op: 'EXISTS' as const })),
        },
      }),
    [],
  ],
])('%#: %s', async (ask, warnings) => {
  expect((await ask(project.ask()))?.meta.warnings).toEqual(warnings);
});

test('a name is known as soon as the answer has its first event', async () => {
  const mine = service.openProject();
  const ask = (after: string) =>
    mine.ask().trend({
      range,
      series: [{ event: 'Fresh' }, { filter: { property: 'young', value: 1 } }],
      freshness: { after, maxWaitMs: 30_000 },
    });
  const { token } = await mine.send({ receivedAt, events });
  expect((await ask(token)).meta.warnings).toEqual([
    'series[0].event: no event is named "Fresh"',
    'series[1].filter.property: no event has a property "young"',
  ]);
  const { token: later } = await mine.send({
    receivedAt,
    events: [{ kind: 'track', input: { event: 'Fresh', userId: 'u', messageId: 'f', properties: { young: 1 } } }],
  });
  expect((await ask(later)).meta.warnings).toEqual([]);
});

test('more than ten are counted, and another project knows nothing of ours', async () => {
  const other = service.openProject();
  const { token } = await other.send({
    receivedAt,
    events: [{ kind: 'track', input: { event: 'Theirs', userId: 'u', messageId: 't' } }],
  });
  const series = Array.from({ length: 12 }, (_, i) => ({ event: `${order} ${i}` }));
  const answer = await other.ask().trend({ range, series, freshness: { after: token, maxWaitMs: 30_000 } });
  expect(answer.meta.warnings).toHaveLength(11);
  expect(answer.meta.warnings[0]).toBe('series[0].event: no event is named "Order Complted 0"');
  expect(answer.meta.warnings[10]).toBe('2 more names that no event has');
});

describe('reading the names', () => {
  const snapshot = new Map([[0, 10]]);
  const answers: Record<string, readonly Record<string, unknown>[]> = {
    name: [{ name: 'A', n: '1' }],
    path: [{ teller: 'properties', path: 'properties.p' }],
  };
  let statements: string[];
  let fails: boolean;
  let now: number;
  let names: NamesReader;
  beforeEach(() => {
    statements = [];
    fails = false;
    now = 0;
    const warehouse = {
      async query({ sql }: { sql: string }) {
        statements.push(sql);
        if (fails) throw new Error('the engine is away');
        return { rows: answers[/AS name/.test(sql) ? 'name' : 'path'], rowsRead: 0 };
      },
    } as unknown as Warehouse;
    const watermark = { correction: () => ({ count: 0, isOpen: false, removedAt: 0 }) } as unknown as WatermarkReader;
    names = createNamesReader({ warehouse, watermark, logger: createSilentLogger(), clock: () => now });
  });

  test('happens once for a snapshot, however many ask, and then for what came since', async () => {
    const asked = await Promise.all([1, 2, 3].map(() => names.upTo('p', snapshot)));
    expect(asked.map((known) => [...known!.events])).toEqual([['A'], ['A'], ['A']]);
    await names.upTo('p', new Map([[0, 5]]));
    expect(statements).toHaveLength(2);
    await names.upTo(
      'p',
      new Map([
        [0, 12],
        [4, 1],
      ]),
    );
    expect(statements).toHaveLength(4);
    expect(statements[3]).toContain('log_offset > ');
  });

  test('that fails costs the warnings and nothing else, and is tried again after a minute', async () => {
    fails = true;
    expect(await names.upTo('p', snapshot)).toBeNull();
    expect(await names.upTo('p', snapshot)).toBeNull();
    expect(statements).toHaveLength(2);
    now = 60_000;
    fails = false;
    expect([...(await names.upTo('p', snapshot))!.events]).toEqual(['A']);
  });
});
