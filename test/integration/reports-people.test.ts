import type { FreshnessInput } from '../../src/reports/moment/moment.ts';
import { funnels } from '../oracle/funnel-subject.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { type SentBatch, toFacts } from '../oracle/sent.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const start = Date.UTC(2026, 0, 1);

test('a merge of another time changes the answers about before, and not those of older snapshots', async () => {
  const project = service.openProject();
  const seen = { timestamp: new Date(start + 1000), event: 'A' };
  const did = { timestamp: new Date(start + 2000), event: 'B' };
  const before: SentBatch = {
    receivedAt: start + 3_600_000,
    events: [
      { kind: 'track', input: { ...seen, anonymousId: 'a', messageId: 'm1' } },
      { kind: 'track', input: { ...did, userId: 'u', messageId: 'm2' } },
    ],
  };
  const merge: SentBatch = {
    receivedAt: start + 900 * 24 * 3_600_000,
    events: [{ kind: 'identify', input: { userId: 'u', anonymousId: 'a', messageId: 'm3' } }],
  };
  const question = {
    range: { from: new Date(start), to: new Date(start + 10_000) },
    steps: [{ event: 'A' }, { event: 'B' }],
  };
  const ask = async (sent: readonly SentBatch[], freshness: FreshnessInput, windowSeconds = 60) => {
    const asked = { ...question, windowSeconds };
    const { actual, expected, meta } = await funnels.compare(asked, { project, facts: toFacts(sent), freshness });
    expect(actual).toEqual(expected);
    return { counts: (actual as { steps: { count: number }[] }).steps.map(({ count }) => count), meta };
  };
  const first = await ask([before], { after: (await project.send(before)).token, maxWaitMs: 30_000 });
  expect(first.counts).toEqual([1, 0]);
  const second = await ask([before, merge], { after: (await project.send(merge)).token, maxWaitMs: 30_000 });
  expect(second.counts).toEqual([1, 1]);
  const again = await ask([before], { at: first.meta.snapshot });
  expect(again.counts).toEqual([1, 0]);
  expect(again.meta.source).toBe('CACHE');
  // Asked for the first time: the answer cannot come out of the cache.
  const late = await ask([before], { at: first.meta.snapshot }, 61);
  expect([late.counts, late.meta.source]).toEqual([[1, 0], 'WAREHOUSE']);
  expect((await ask([before, merge], { at: second.meta.snapshot }, 61)).counts).toEqual([1, 1]);
});
