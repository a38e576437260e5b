import { LRUCache } from 'lru-cache';
import type { PositionVector } from '../../events/position.ts';
import type { FreshnessInput, Moment } from '../moment/moment.ts';
import type { WatermarkReader } from '../moment/watermark.ts';
import { type Asked, toAsked } from '../names/names.ts';
import { parseRange, type RangeInput, type TimeRange, toCurrent } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';

/**
 * Finished reports in this process, each for as long as nothing that it depends on can have changed: the snapshot is the very
 * same one (the next one that has anything new is another object), nothing was taken out meanwhile, and what its range says means
 * the same. A dashboard that many look at is calculated once for each snapshot; all that is made anew is its `meta`.
 */
export interface Finished {
  /** What of the question can be remembered; the same object for equal questions. Throws what is wrong with names in it. */
  toQuestion(project: string, name: string, input: ReportInput): Question;
  /** The report as it was finished before, or else run now. */
  answer<Answer extends Report>(
    session: Session,
    question: Question,
    input: ReportInput,
    run: () => Promise<Answer>,
  ): Promise<Answer>;
}

export interface Question {
  /** Names that stand in it. */
  readonly asked: readonly Asked[];
  /** null: it is never remembered. */
  readonly key: string | null;
}

export interface ReportInput {
  readonly range?: RangeInput | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

interface Report {
  readonly meta: ReportMeta;
}

interface Kept {
  readonly vector: PositionVector;
  readonly corrections: number;
  /** Of the moment's "now". */
  readonly during: TimeRange;
  readonly report: Report;
  /** Of the moment's own warnings, which come before the report's. */
  readonly momentWarnings: number;
}

const mostQuestions = 5000;
const mostQuestionCharacters = 8 * 1024 * 1024;
const longestKey = 20_000;
/** About. */
const mostBytes = 32 * 1024 * 1024;
const largestBytes = 2 * 1024 * 1024;

export function createFinished(watermark: Pick<WatermarkReader, 'correction'>): Finished {
  const questions = new LRUCache<string, Question>({
    max: mostQuestions,
    maxSize: mostQuestionCharacters,
    sizeCalculation: (_, key) => key.length + 1,
  });
  const reports = new LRUCache<string, Kept>({
    maxSize: mostBytes,
    maxEntrySize: largestBytes,
    sizeCalculation: ({ report }, key) => 2 * key.length + toBytes(report),
  });

  const recall = (key: string, project: string, moment: Moment): Kept | null => {
    const kept = moment.fresh ? undefined : reports.get(key);
    if (!kept || kept.vector !== moment.vector) return null;
    const { count, isOpen } = watermark.correction(project);
    if (isOpen || count !== kept.corrections) return null;
    return moment.now >= kept.during.from && moment.now < kept.during.to ? kept : null;
  };

  return {
    toQuestion(project, name, input) {
      const key = toKey(project, name, input);
      const known = key === null ? undefined : questions.get(key);
      if (known) return known;
      // What the text says of members of cohorts changes with their definitions, and with time.
      const question = { asked: toAsked(input), key: key?.includes('"cohort":') ? null : key };
      if (key !== null) questions.set(key, question);
      return question;
    },
    answer<Answer extends Report>(session: Session, { key }: Question, input: ReportInput, run: () => Promise<Answer>) {
      if (key === null || input.freshness?.at) return run();
      return session.report(input.freshness, async (moment) => {
        const kept = recall(key, session.project, moment);
        if (kept) return toAnswer(session, moment, kept.report as Answer, kept.momentWarnings);
        const { count: corrections, isOpen } = watermark.correction(session.project);
        const report = await run();
        const during = input.range ? toDuring(input.range, moment.now) : null;
        const after = watermark.correction(session.project);
        if (during && !isOpen && !after.isOpen && corrections === after.count) {
          const { vector, warnings } = moment;
          reports.set(key, { vector, corrections, during, report, momentWarnings: warnings.length });
        }
        return report;
      });
    },
  };
}

/** All that tells this question from others; null when it is not worth it, or when texts do not tell them apart. */
function toKey(project: string, name: string, { freshness: _, ...input }: ReportInput): string | null {
  const text = JSON.stringify(input);
  if (text.length > longestKey) return null;
  // A number beyond all numbers is written as null is.
  if (text.includes('null') && hasNonFinite(input)) return null;
  return `${project}|${name}|${text}`;
}

function hasNonFinite(of: unknown): boolean {
  if (typeof of === 'number') return !Number.isFinite(of);
  return typeof of === 'object' && of !== null && Object.values(of).some(hasNonFinite);
}

/** The moments at which the range means what it means now; null: only this one. */
function toDuring(input: RangeInput, now: number): TimeRange | null {
  if (typeof input.last === 'string') return { from: toCurrent(input, input.last, now), to: parseRange(input, now).to };
  return input.to ? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY } : null;
}

function toAnswer<Answer extends Report>(
  session: Session,
  moment: Moment,
  report: Answer,
  momentWarnings: number,
): Answer {
  const { cachedBuckets, computedBuckets, warnings, exact, errorBound } = report.meta;
  const cell = { rows: [], source: 'cache', statements: 0, rowsRead: 0 } as const;
  const meta = session.toMeta(moment, [{ cell, buckets: cachedBuckets + computedBuckets }], {
    warnings: warnings.slice(momentWarnings),
  });
  return { ...report, meta: { ...meta, exact, errorBound } };
}

/** About what it takes in memory. */
function toBytes(of: unknown): number {
  if (typeof of === 'string') return 16 + of.length;
  if (typeof of !== 'object' || of === null) return 8;
  // Lists of numbers are nearly all there is, and are not looked at one by one.
  if (Array.isArray(of) && typeof (of[0] ?? 0) === 'number') return 16 + 16 * of.length;
  return Object.values(of).reduce((sum: number, part) => sum + toBytes(part), 32);
}
