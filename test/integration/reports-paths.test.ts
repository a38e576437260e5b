import fc from 'fast-check';
import type { PathsInput } from '../../src/reports/paths/paths.ts';
import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import type { PathsQuestion } from '../oracle/paths.ts';
import { paths, pathsQuestion } from '../oracle/paths-subject.ts';
import { defined } from '../oracle/questions.ts';
import { holdsForWalks, walkStart } from '../oracle/walks.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const hour = 3_600_000;

test('paths of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, paths, { streams: 25, questions: [4, 8] });
}, 600_000);

const askedOfWalks = fc
  .record({
    ...pathsQuestion,
    range: fc.tuple(fc.integer({ min: -1, max: 20 }), fc.integer({ min: 1, max: 60 })).map(([from, hours]) => ({
      from: new Date(walkStart + from * hour),
      to: new Date(walkStart + (from + hours) * hour),
    })),
    rules: fc.constantFrom(
      undefined,
      [{ matches: '^/product/', name: '/product/*' }],
      [{ event: '$page', property: 'plan' }, { property: 'path' }],
      [
        { event: 'Cart', name: '/a' },
        { matches: 'a$', name: 'a' },
      ],
    ),
  })
  .map(({ end, ...question }) => defined({ ...question, ...end })) as fc.Arbitrary<PathsQuestion>;

test('walks about a site go where plain counting has them go', async () => {
  await holdsForWalks(service, paths, askedOfWalks, 12);
}, 600_000);

test('a step that comes again is one, and what is not shown is said', async () => {
  const project = service.openProject();
  const { token } = await project.send({
    receivedAt: walkStart,
    events: ['a', 'b', 'b', 'c'].map((event, i) => ({
      kind: 'track',
      input: { event, userId: 'u', messageId: `m${i}`, timestamp: new Date(walkStart - 1000 + i) },
    })),
  });
  const range = { from: new Date(walkStart - hour), to: new Date(walkStart) };
  const freshness = { after: token, maxWaitMs: 30_000 };
  const { nodes, links, meta } = await project.ask().paths({ range, limit: 2, freshness });
  expect(nodes).toEqual([
    { step: 1, name: 'a', sessions: 1, persons: 1, began: 1, ended: 0 },
    { step: 2, name: 'b', sessions: 1, persons: 1, began: 0, ended: 0 },
  ]);
  expect(links).toEqual([{ step: 1, from: 'a', to: 'b', sessions: 1, persons: 1 }]);
  expect(meta.warnings).toEqual(['3 nodes have at least minSessions; the 2 with the most sessions are shown']);
});

test('a text that looks like SQL is a text', async () => {
  const evil = ["'; DROP TABLE events; --", '\\', "\\'; --", '{p0:String}', 'a\nb', '`'];
  const project = service.openProject();
  const { token } = await project.send({
    receivedAt: walkStart,
    events: evil.map((event, i) => ({
      kind: 'track',
      input: {
        event,
        userId: `u${i}`,
        messageId: event,
        timestamp: new Date(walkStart - 1000),
        properties: { [`p ${event}`]: event },
      },
    })),
  });
  const range = { from: new Date(walkStart - hour), to: new Date(walkStart) };
  const all = await project.ask().paths({ range, freshness: { after: token, maxWaitMs: 30_000 } });
  expect(all.sessions).toBe(evil.length);
  for (const text of evil) {
    const [from, ruled, top] = await Promise.all([
      project.ask().paths({ range, from: text }),
      project
        .ask()
        .paths({ range, to: text, rules: [{ event: text, property: `p ${text}`, name: text }, { name: 'other' }] }),
      project.ask().topValues({ range, event: text, property: `p ${text}` }),
    ]);
    expect([from, ruled].map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([[text], [text]]);
    expect(top.values.map(({ value }) => value)).toEqual([text]);
  }
  expect((await project.ask().catalog(undefined)).events).toHaveLength(evil.length);
  await expect(project.ask().paths({ range, rules: [{ name: 'x', matches: '(' }] })).rejects.toEqual(
    expect.objectContaining({ code: 'INVALID_FILTER' }),
  );
});

test.each<[Partial<PathsInput>, string, string]>([
  [{ from: 'a', to: 'b' }, 'INVALID_INPUT', 'expected from or to or neither of them, got both'],
  [{ depth: 1 }, 'INVALID_INPUT', 'depth: expected 2 to 20, got 1'],
  [{ depth: 21 }, 'INVALID_INPUT', 'depth: expected 2 to 20, got 21'],
  [{ minSessions: 0 }, 'INVALID_INPUT', 'minSessions: expected at least 1, got 0'],
  [{ limit: 1001 }, 'INVALID_INPUT', 'limit: expected 1 to 1000, got 1001'],
  [{ rules: [{}] }, 'INVALID_INPUT', 'rules[0]: expected a property or a name, got neither'],
  [{ rules: Array.from({ length: 51 }, () => ({ name: 'x' })) }, 'INVALID_INPUT', 'rules: expected at most 50, got 51'],
  [
    { rules: [{ name: 'x', matches: 'x'.repeat(1001) }] },
    'INVALID_INPUT',
    'rules[0].matches: expected at most 1000 characters, got 1001',
  ],
])('%j is refused', async (input, code, message) => {
  await expect(
    service
      .openProject()
      .ask()
      .paths({ range: { last: '3d' }, ...input }),
  ).rejects.toEqual(expect.objectContaining({ code, message: expect.stringContaining(message) }));
});
