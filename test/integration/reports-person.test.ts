import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { persons } from '../oracle/person-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('persons and timelines of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, persons, { streams: 20, questions: [4, 8] });
}, 600_000);

test('nothing is read of identify events when nobody asks for traits', async () => {
  const project = service.openProject();
  const events = [0, 1, 2].map((i) => ({
    kind: 'identify' as const,
    input: { userId: 'u', messageId: `m${i}`, traits: { plan: `p${i}` } },
  }));
  const { token } = await project.send({ receivedAt: Date.UTC(2026, 0, 1), events });
  const freshness = { after: token, maxWaitMs: 30_000 };
  const rows = async (traits: boolean) => {
    const person = await project.ask().person({ id: 'u', freshness }, { traits });
    return { traits: { ...person!.traits }, count: person!.eventCount, isRead: (await person!.meta.rowsRead()) > 0 };
  };
  // The second time, nothing is left to be computed; traits are then all that is.
  expect(await rows(false)).toEqual({ traits: {}, count: 3, isRead: true });
  expect(await rows(false)).toEqual({ traits: {}, count: 3, isRead: false });
  expect(await rows(true)).toEqual({ traits: { plan: 'p2' }, count: 3, isRead: true });
});

describe('a timeline', () => {
  const receivedAt = Date.UTC(2026, 0, 1, 12);
  const range = { from: new Date(receivedAt - 1000), to: new Date(receivedAt + 1000) };
  const moments = [0, 1, 1, 2, 3];

  async function send() {
    const project = service.openProject();
    const { token } = await project.send({
      receivedAt,
      events: moments.map((ms, i) => ({
        kind: 'track',
        input: { event: 'e', userId: 'u', messageId: `m${i}`, timestamp: new Date(receivedAt + ms) },
      })),
    });
    return { project, freshness: { after: token, maxWaitMs: 30_000 } };
  }

  test.each(['NEWEST', 'OLDEST'] as const)('is turned page by page as of one snapshot, %s first', async (order) => {
    const { project, freshness } = await send();
    const seen: string[] = [];
    let snapshot: string | undefined;
    let after: string | null = null;
    do {
      const person = await project.ask().person({ id: 'u', freshness: snapshot ? { at: snapshot } : freshness });
      snapshot ??= person!.meta.snapshot;
      const page = await person!.timeline({ range, first: 2, after, order });
      seen.push(...page.nodes.map(({ messageId }) => messageId));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      if (seen.length === 2) {
        const late = [{ kind: 'track' as const, input: { event: 'late', userId: 'u', messageId: 'late' } }];
        const { token } = await project.send({ receivedAt, events: late });
        const now = await project.ask().person({ id: 'u', freshness: { after: token, maxWaitMs: 30_000 } });
        expect(now!.eventCount).toBe(6);
        await expect(now!.timeline({ range, after })).rejects.toEqual(
          expect.objectContaining({
            code: 'INVALID_INPUT',
            message: expect.stringContaining("expected a cursor of the person's snapshot"),
          }),
        );
      }
    } while (after);
    expect(seen.toSorted()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect([seen[0], seen[4]]).toEqual(order === 'NEWEST' ? ['m4', 'm0'] : ['m0', 'm4']);
  });

  test.each(['', 'x'.repeat(201)])('of no id is refused', async (id) => {
    await expect(service.openProject().ask().person({ id })).rejects.toEqual(
      expect.objectContaining({ code: 'INVALID_INPUT', message: `id: expected 1 to 200 characters, got ${id.length}` }),
    );
  });
});
