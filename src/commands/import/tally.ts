import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Outcome } from './deliver.ts';
import { toJsonText } from './row-problem.ts';

/** One row that will not be in the reports, as --rejects writes it. */
export interface Reject {
  /** What names the row when there is no line: "public.events id=42". */
  readonly file: string;
  readonly line?: number;
  readonly status: 'UNREADABLE' | 'REJECTED' | 'DEAD_LETTERED';
  readonly code: string;
  readonly message: string;
  readonly path: readonly string[];
  readonly messageId?: string;
  readonly row: unknown;
}

export interface RejectCount {
  readonly code: string;
  readonly count: number;
  readonly first: readonly Reject[];
}

/** Counts what became of the rows, and keeps no more of them than the first few of each code. */
export function createTally(rejectsPath: string | undefined, examples = 5) {
  const counts = new Map<string, { count: number; first: Reject[] }>();
  const totals = { rows: 0, accepted: 0, rejected: 0, deadLettered: 0 };
  let file: WriteStream | undefined;
  let broken: Error | undefined;

  async function reject(entry: Reject): Promise<void> {
    totals[entry.status === 'DEAD_LETTERED' ? 'deadLettered' : 'rejected']++;
    const known = counts.get(entry.code) ?? { count: 0, first: [] };
    known.count++;
    if (known.first.length < examples) known.first.push(entry);
    counts.set(entry.code, known);
    if (broken) throw broken;
    if (file && !file.write(`${toRejectLine(entry)}\n`)) await once(file, 'drain');
  }

  return {
    totals,
    async open(): Promise<void> {
      if (rejectsPath === undefined) return;
      file = createWriteStream(rejectsPath);
      await once(file, 'open');
      file.on('error', (error) => {
        broken = error;
      });
    },
    reject,
    async settle(outcome: Outcome, place: { file: string; line?: number; row: unknown }): Promise<void> {
      if (outcome.status === 'ACCEPTED') {
        totals.accepted++;
        return;
      }
      const [error = { code: outcome.status, message: 'no reason was given', path: [] }] = outcome.errors;
      const status = outcome.status === 'DEAD_LETTERED' ? 'DEAD_LETTERED' : 'REJECTED';
      await reject({ ...place, status, ...error, messageId: outcome.messageId });
    },
    byCode(): readonly RejectCount[] {
      return [...counts].map(([code, known]) => ({ code, ...known })).sort((a, b) => b.count - a.count);
    },
    async close(): Promise<void> {
      if (!file) return;
      if (!broken) {
        file.end();
        await once(file, 'close');
      }
      if (broken) throw broken;
    },
  };
}

function toRejectLine({ row, ...entry }: Reject): string {
  return `${JSON.stringify(entry).slice(0, -1)},"row":${toJsonText(row)}}`;
}

export type Tally = ReturnType<typeof createTally>;
