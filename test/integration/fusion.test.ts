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
