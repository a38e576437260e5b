import fc from 'fast-check';
import type { Subject } from './check.ts';
import type { Service } from './harness.ts';
import { type SentBatch, type SentEvent, toFacts } from './sent.ts';

/** A few persons who walk about a site for some hours: short pauses, pauses of exactly half an hour, ties, and days without one. */

const minute = 60_000;
export const walkStart = Date.UTC(2026, 2, 28, 20);

const act = fc.record({
  user: fc.nat(3),
  /** Minutes since the one before it, of whomever. */
  pause: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 0, 1, 2, 5) },
    { weight: 2, arbitrary: fc.constantFrom(29, 30, 31) },
    { weight: 1, arbitrary: fc.constantFrom(300, 720) },
  ),
  nudge: fc.constantFrom(0, 0, 0, -1, 1),
  kind: fc.constantFrom<SentEvent['kind']>('page', 'page', 'page', 'track', 'screen', 'identify'),
  path: fc.option(fc.constantFrom('/', '/a', '/b', '/product/1', '/product/2', ''), { freq: 6 }),
  inContext: fc.boolean(),
  name: fc.constantFrom('Cart', 'Order Completed', '/a'),
  plan: fc.constantFrom('free', 'pro', null),
});

const walk: fc.Arbitrary<SentBatch> = fc.array(act, { minLength: 1, maxLength: 120, size: 'max' }).map((acts) => {
  let time = walkStart;
  const events = acts.map(({ user, pause, nudge, kind, path, inContext, name, plan }, i): SentEvent => {
    time += pause * minute;
    const at = path === null ? {} : { path };
    const common = { userId: `u${user}`, messageId: `m${i}`, timestamp: new Date(time + nudge) };
    if (kind === 'identify') return { kind, input: { ...common, traits: { plan } } };
    const properties = { plan, ...(inContext ? {} : at) };
    const context = inContext && kind === 'page' ? { page: at } : {};
    return { kind, input: { ...common, properties, context, ...(kind === 'track' ? { event: name } : { name }) } };
  });
  return { receivedAt: time + minute, events };
});

/** Somebody who never pauses: an event every quarter of an hour for two days and a half. */
export const marathon: SentBatch = {
  receivedAt: walkStart + 70 * 60 * minute,
  events: Array.from({ length: 240 }, (_, i) => ({
    kind: 'page',
    input: {
      userId: 'tireless',
      messageId: `run${i}`,
      timestamp: new Date(walkStart + i * 15 * minute),
      properties: { path: `/${i % 7}` },
    },
  })),
};

const effort = Number(process.env.ORACLE_RUNS ?? 1);
/** How long to look for a smaller walk that fails, in milliseconds. */
const shrinkMs = Number(process.env.ORACLE_SHRINK_MS ?? 30_000);

/** Many questions about each of some walks. */
export async function holdsForWalks<Question>(
  service: Service,
  { compare }: Subject<Question>,
  question: fc.Arbitrary<Question>,
  walks: number,
): Promise<void> {
  const questions = fc.array(question, { minLength: 8, maxLength: 12, size: 'max' });
  let failedAt = Number.POSITIVE_INFINITY;
  await fc.assert(
    fc.asyncProperty(walk, questions, async (batch, asked) => {
      if (Date.now() > failedAt + shrinkMs) return;
      const project = service.openProject();
      const { token } = await project.send(batch);
      const about = { project, facts: toFacts([batch]), freshness: { after: token, maxWaitMs: 30_000 } };
      try {
        await Promise.all(
          asked.map(async (one) => {
            const { actual, expected } = await compare(one, about);
            expect({ asked: one, answer: actual }).toEqual({ asked: one, answer: expected });
          }),
        );
      } catch (thrown) {
        failedAt = Math.min(failedAt, Date.now());
        throw thrown;
      }
    }),
    { numRuns: Math.ceil(walks * effort) },
  );
}
