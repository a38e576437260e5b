import { holdsForRandomStreams } from '../oracle/check.ts';
import { entities } from '../oracle/entities-subject.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('trends of entities of random streams are what plain counting gives for each of them', async () => {
  await holdsForRandomStreams(service, entities('trend'), { streams: 30, questions: [3, 6] });
}, 600_000);

test('top values of entities of random streams are what plain counting gives for each of them', async () => {
  await holdsForRandomStreams(service, entities('topValues'), { streams: 16, questions: [3, 6] });
}, 600_000);

test('funnels of entities of random streams are what trying every attempt gives for each of them', async () => {
  await holdsForRandomStreams(service, entities('funnel'), { streams: 6, questions: [2, 3] });
}, 600_000);

describe('fifty products', () => {
  const ids = Array.from({ length: 50 }, (_, i) => `p${i}`);
  const day = 24 * 3_600_000;
  const range = { from: new Date(Date.UTC(2026, 0, 1)), to: new Date(Date.UTC(2026, 0, 11)) };
  let project: Project;
  beforeAll(async () => {
    project = service.openProject();
    const events = ids.flatMap((productId, i) =>
      Array.from({ length: (i % 5) + 1 }, (_, n) => ({
        kind: 'track' as const,
        input: {
          event: n % 2 === 0 ? 'Product Viewed' : 'Order Completed',
          userId: `u${n}`,
          messageId: `${productId} ${n}`,
          timestamp: new Date(range.from.getTime() + (n + (i % 3)) * day),
          // The last of five says nothing of a plan: none is no value.
          properties: { productId, ...(n < 4 ? { plan: n === 0 ? 'free' : 'pro' } : {}), revenue: i },
        },
      })),
    );
    const { token } = await project.send({ receivedAt: range.to.getTime(), events });
    await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  });

  const series = [{ event: 'Product Viewed' }];

  test('each with a trend, are one statement; the same again, in another order, is none', async () => {
    const ask = project.ask();
    const trends = await Promise.all(
      ask.entities.list({ property: 'productId', ids }).map((product) => product.trend({ range, series })),
    );
    expect(trends.map((trend) => trend.series[0]?.total)).toEqual(ids.map((_, i) => Math.ceil(((i % 5) + 1) / 2)));
    expect(await trends[0]!.meta.statements()).toBe(1);
    expect(new Set(trends.map(({ meta }) => meta.snapshot)).size).toBe(1);
    const again = project.ask();
    const [last] = await Promise.all(
      again.entities
        .list({ property: 'productId', ids: ids.toReversed() })
        .map((product) => product.trend({ range, series })),
    );
    expect(last).toMatchObject({ series: trends[49]!.series, meta: { source: 'CACHE' } });
    expect(await last!.meta.statements()).toBe(0);
  });

  test.each([
    ['UNIQUE_USERS', { measure: 'UNIQUE_USERS' }, {}],
    ['P90', { measure: 'P90', property: 'revenue' }, {}],
    ['MONTHLY_ACTIVE', { measure: 'MONTHLY_ACTIVE' }, {}],
    ['a breakdown', {}, { breakdown: [{ property: 'plan' }, { property: 'revenue', bins: { edges: [10, 20] } }] }],
    ['a cumulative one', { measure: 'UNIQUE_USERS' }, { cumulative: true }],
  ] as const)('with a trend of %s are one statement', async (_, measured, more) => {
    const trends = await Promise.all(
      project
        .ask()
        .entities.list({ property: 'productId', ids })
        .map((product) => product.trend({ range, series: [{ ...series[0], ...measured }], ...more })),
    );
    expect(await trends[0]!.meta.statements()).toBe(1);
    const { meta: _meta, ...alone } = await project.ask().trend({
      range,
      series: [{ ...series[0], ...measured }],
      ...more,
      filter: { property: 'productId', value: 'p17' },
    });
    expect(trends[17]).toMatchObject(alone);
  });

  test('with a funnel and its times are one statement, with their trends two; with top values one', async () => {
    const steps = [{ event: 'Product Viewed' }, { event: 'Order Completed' }];
    const ask = project.ask();
    const funnels = await Promise.all(
      ask.entities.list({ property: 'productId', ids }).map((product) => product.funnel({ range, steps, by: 'plan' })),
    );
    await Promise.all(funnels.map((funnel) => funnel.steps[1]!.times()));
    expect(funnels.map(({ steps: [first, second] }) => [first?.count, second?.count])).toEqual(
      ids.map((_, i) => [i % 5 < 2 ? 1 : 2, i % 5 < 3 ? 0 : 1]),
    );
    expect(await funnels[0]!.meta.statements()).toBe(1);
    await Promise.all(funnels.map((funnel) => funnel.trend({ interval: 'DAY' })));
    expect(await funnels[0]!.meta.statements()).toBe(2);
    const tops = await Promise.all(
      project
        .ask()
        .entities.list({ property: 'productId', ids })
        .map((product) => product.topValues({ range, property: 'plan' })),
    );
    expect(tops.map(({ events, distinct }) => [events, distinct])).toEqual(
      ids.map((_, i) => [(i % 5) + 1, i % 5 === 0 ? 1 : 2]),
    );
    expect(await tops[0]!.meta.statements()).toBe(1);
  });

  test('with different questions are a statement for each question at the most, all of one moment', async () => {
    const ask = project.ask();
    const part = { ...range, to: new Date(range.to.getTime() - day) };
    const answers = await Promise.all(
      ask.entities
        .list({ property: 'productId', ids })
        .flatMap((product) => [
          product.trend({ range: part, series }),
          product.trend({ range: part, series: [{ event: 'Order Completed', measure: 'UNIQUE_USERS' }] }),
          product.topValues({ range: part, property: 'plan' }),
        ]),
    );
    const statements = await answers[0]!.meta.statements();
    expect(statements).toBeGreaterThan(0);
    expect(statements).toBeLessThanOrEqual(3);
    expect(new Set(answers.map(({ meta }) => meta.snapshot)).size).toBe(1);
  });

  test('ids that are there twice, and ids that no event has', async () => {
    const [first, again, nobody] = await Promise.all(
      project
        .ask()
        .entities.list({ property: 'productId', ids: ['p4', 'p4', 'nobody'] })
        .map((product) => product.trend({ range, series })),
    );
    expect(first?.series[0]?.total).toBe(3);
    expect(again?.series).toEqual(first?.series);
    expect(nobody?.series).toMatchObject([{ total: 0, values: Array(10).fill(0) }]);
  });

  test('a property that no event has is a warning of each', async () => {
    const answers = await Promise.all(
      project
        .ask()
        .entities.list({ property: 'productIdd', ids: ['p1', 'p2'] })
        .map((product) => product.trend({ range, series })),
    );
    for (const { meta } of answers)
      expect(meta.warnings).toEqual([
        'entities.property: no event has a property "productIdd": did you mean "productId"?',
      ]);
  });

  test('what is not offered is refused', async () => {
    const { entities: reports } = project.ask();
    expect(() => reports.list({ property: 'productId', ids: Array(1001).fill('p') })).toThrow(
      'ids: expected at most 1000 of them, got 1001',
    );
    for (const property of ['$timestamp', '$hour', 'session.seconds'])
      expect(() => reports.list({ property, ids: ['p1'] })).toThrow(
        `property: expected a property whose values are texts, got ${property}`,
      );
    expect(() => reports.list({ property: 'a..b', ids: ['p1'] })).toThrow("property: expected a property's name");
    expect(() => reports.list({ property: 'productId', ids: [] })).not.toThrow();
    const breakdown = [{ property: 'revenue', bins: { count: 3 } }];
    await expect(reports.of('productId', 'p1').trend({ range, series, breakdown })).rejects.toThrow(
      'breakdown[0].bins: expected edges for reports about entities, got count',
    );
    const minutes = { from: range.from, to: new Date(range.from.getTime() + 6 * day) };
    const many = Array.from({ length: 1000 }, (_, i) => `p${i}`);
    await expect(
      Promise.all(
        project
          .ask()
          .entities.list({ property: 'productId', ids: many })
          .map((product) => product.trend({ range: minutes, interval: 'MINUTE', series })),
      ),
    ).rejects.toThrow('expected at most 5000000 numbers (lines times buckets), got 8640000');
  });
});
