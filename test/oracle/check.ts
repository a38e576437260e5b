import fc, { type Arbitrary } from 'fast-check';
import type { FreshnessInput } from '../../src/reports/moment/moment.ts';
import type { ReportMeta } from '../../src/reports/session.ts';
import type { Project, Service } from './harness.ts';
import { type Fact, inZone, type SentBatch, toFacts } from './sent.ts';
import { batch, type Scene, scenes } from './streams.ts';

/** A kind of report: its questions, and how an answer is held against the oracle's. */
export interface Subject<Question> {
  readonly question: (scene: Scene) => Arbitrary<Question>;
  readonly compare: (question: Question, asked: Asked) => Promise<Comparison>;
}

export interface Asked {
  readonly project: Project;
  readonly freshness: FreshnessInput;
  /** What the answer has to be made of. */
  readonly facts: readonly Fact[];
}

/** Equal when the service is right. */
export interface Comparison {
  readonly actual: unknown;
  readonly expected: unknown;
  readonly meta: ReportMeta;
}

interface CheckOptions {
  readonly streams: number;
  /** Questions to each stream, at least and at most. */
  readonly questions: readonly [number, number];
  readonly maxEvents?: number;
}

/** ORACLE_RUNS=10 checks ten times as many streams as 1; jest.config.mjs says what it is by default. */
const effort = Number(process.env.ORACLE_RUNS ?? 1);
/** Most streams at a time. */
const abreast = 5;
/** How long to look for a smaller stream that fails, in milliseconds. */
const shrinkMs = Number(process.env.ORACLE_SHRINK_MS ?? 30_000);

/**
 * Random streams, each sent in up to three batches. After each batch the same questions are asked: the answers have to know
 * the late events, whatever was cached before them. In the end they are asked as of the first
 * batch, one of them for the first time, and must not know the others.
 */
export async function holdsForRandomStreams<Question>(
  service: Service,
  { question, compare }: Subject<Question>,
  { streams, questions: [minLength, maxLength], maxEvents = 40 }: CheckOptions,
): Promise<void> {
  const cases = fc.constantFrom(...scenes).chain((scene) =>
    fc.record({
      batches: fc.array(batch(scene, maxEvents), { minLength: 1, maxLength: 3 }),
      questions: fc.array(question(scene), { minLength, maxLength, size: 'max' }),
    }),
  );
  const check = async (asked: Question, about: Asked): Promise<ReportMeta> => {
    const { timezone = 'UTC' } = (asked as { range?: { timezone?: string } } | null)?.range ?? {};
    const { actual, expected, meta } = await compare(asked, { ...about, facts: inZone(about.facts, timezone) });
    expect({ asked, answer: actual }).toEqual({ asked, answer: expected });
    return meta;
  };
  const checkStream = async ({ batches, questions }: { batches: SentBatch[]; questions: Question[] }) => {
    const project = service.openProject();
    const sent: SentBatch[] = [];
    let first: string | undefined;
    // One is not asked before the past is looked at: its answer cannot come out of the cache.
    const early = batches.length > 1 && questions.length > 1 ? questions.slice(1) : questions;
    for (const next of batches) {
      const { results, token } = await project.send(next);
      expect(results.filter(({ status }) => status !== 'ACCEPTED' && status !== 'DEAD_LETTERED')).toEqual([]);
      sent.push(next);
      const about = { project, facts: toFacts(sent), freshness: { after: token, maxWaitMs: 30_000 } };
      const metas = await Promise.all(early.map((q) => check(q, about)));
      expect(new Set(metas.map(({ consistency }) => consistency))).toEqual(new Set(['SATISFIED']));
      first ??= metas[0]!.snapshot;
    }
    if (batches.length === 1) return;
    const past = { project, facts: toFacts(batches.slice(0, 1)), freshness: { at: first } };
    await Promise.all(questions.map((q) => check(q, past)));
  };
  let failedAt = Number.POSITIVE_INFINITY;
  await fc.assert(
    // Side by side, since most of the time goes by waiting until events are stored.
    fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: abreast, size: 'max' }), async (streamsAbreast) => {
      if (Date.now() > failedAt + shrinkMs) return;
      try {
        await Promise.all(streamsAbreast.map(checkStream));
      } catch (thrown) {
        failedAt = Math.min(failedAt, Date.now());
        throw thrown;
      }
    }),
    { numRuns: Math.ceil((streams * effort * 2) / (abreast + 1)), includeErrorInReport: true },
  );
}
