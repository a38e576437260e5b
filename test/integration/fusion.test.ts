import { holdsForRandomStreams } from '../oracle/check.ts';
import { dashboards } from '../oracle/dashboards-subject.ts';
import { openService, type Service } from '../oracle/harness.ts';

let service: Service;

beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('reports that are computed by one statement are what plain counting gives for each', async () => {
  await holdsForRandomStreams(service, dashboards, { streams: 60, questions: [1, 2] });
}, 900_000);

test('what is counted over a short range for one breakdown is counted over the whole range for another', async () => {
  const project = service.openProject();
  const day = 86_400_000;
  const to = Date.UTC(2026, 3, 1);
  const sent = Array.from({ length: 120 }, (_, i) => ({
    event: i % 3 === 0 ? 'B' : 'A',
    daysAgo: (i + 0.5) / 2,
    color: i % 2 === 0 ? 'red' : 'blue',
    size: i % 5 === 0 ? 'small' : 'large',
  }));
  const { token } = await project.send({
    receivedAt: to,
    events: sent.map(({ event, daysAgo, color, size }, i) => ({
      kind: 'track' as const,
      input: {
        event,
        anonymousId: 'a',
        messageId: `m${i}`,
        timestamp: new Date(to - daysAgo * day),
        properties: { color, size },
      },
    })),
  });
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  const questions = [
    { event: 'A', property: 'color', days: 60 },
    { event: 'B', property: 'size', days: 60 },
    { event: 'A', property: 'size', days: 7 },
  ] as const;

  const operation = project.ask();
  const answers = await Promise.all(
    questions.map(({ event, property, days }) =>
      operation.trend({
        range: { from: new Date(to - days * day), to: new Date(to) },
        series: [{ event }],
        breakdown: [{ property }],
      }),
    ),
  );

  for (const [i, { event, property, days }] of questions.entries()) {
    const counted: Record<string, number> = {};
    for (const one of sent)
      if (one.event === event && one.daysAgo <= days) counted[one[property]] = (counted[one[property]] ?? 0) + 1;
    const lines = answers[i]?.series.map(({ breakdown, total }) => [breakdown[0], total]) ?? [];
    expect(Object.fromEntries(lines)).toEqual(counted);
  }
  expect(await answers[0]?.meta.statements()).toBe(1);
});

test('lines that are the same for two tiles, whatever each of them asks for, are counted once and for both', async () => {
  const project = service.openProject();
  const to = Date.UTC(2026, 3, 1);
  const { token } = await project.send({
    receivedAt: to,
    events: Array.from({ length: 30 }, (_, i) => ({
      kind: 'track' as const,
      input: {
        event: 'A',
        anonymousId: `a${i % 6}`,
        messageId: `m${i}`,
        timestamp: new Date(to - (i + 1) * 3_600_000),
        properties: { color: i % 2 === 0 ? 'red' : 'blue', n: i % 4 },
      },
    })),
  });
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  const operation = project.ask();
  // Of different measures: equal ones are one cell.
  const ask = (breakdown: object, measure: 'UNIQUE_USERS' | 'UNIQUE_VALUES' | 'COUNT' | 'SUM') =>
    operation.trend({
      range: { from: new Date(to - 2 * 86_400_000), to: new Date(to) },
      series: [{ event: 'A', measure, property: 'n' }],
      breakdown: [breakdown as { property: string }],
    });
  const answers = await Promise.all([
    ask({ property: 'color', limit: 10 }, 'UNIQUE_USERS'),
    ask({ property: 'color', limit: 5, includeOther: false }, 'UNIQUE_VALUES'),
    ask({ property: 'n', bins: { edges: [1.5] }, limit: 5 }, 'COUNT'),
    ask({ property: 'n', bins: { edges: [1.5] } }, 'SUM'),
  ]);
  const lines = answers.map(({ series }) => series.map(({ breakdown, total }) => [breakdown[0], total]));
  const byColor = (n: number) => [
    ['blue', n],
    ['red', n],
  ];
  expect(lines.slice(0, 2).map((of) => of.toSorted())).toEqual([byColor(3), byColor(2)]);
  expect(lines.slice(2)).toEqual([
    [
      ['(-∞, 1.5)', 16],
      ['[1.5, ∞)', 14],
    ],
    [
      ['(-∞, 1.5)', 8],
      ['[1.5, ∞)', 35],
    ],
  ]);
});
