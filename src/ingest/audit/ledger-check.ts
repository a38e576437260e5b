import type { StreamParts } from '../../events/position.ts';
import type { OffsetRange } from '../ledger.ts';
import { type AuditFinding, toReplay } from './finding.ts';
import type { LedgerEntry, LedgerRange } from './ledger-pages.ts';

/** Looks at the ranges of a stream in order, block by block: each begins where the one before it ended. */
export interface LedgerCheck {
  look(ranges: readonly LedgerRange[], corrections: readonly LedgerEntry[]): AuditFinding[];
  /** Everything below it was looked at. */
  readonly next: number;
}

/** `next`: where the first range has to begin; null where nobody can know, since the log and the tables begin later. */
export function createLedgerCheck(stream: StreamParts, first: number | null): LedgerCheck {
  let next = first;
  const findings: AuditFinding[] = [];
  const say = (finding: Omit<AuditFinding, 'stream'>) => findings.push({ stream, ...finding });

  const lookAt = (range: LedgerRange) => {
    const { first, last, entries } = range;
    if (next !== null && first > next)
      say({
        kind: 'LEDGER_GAP',
        first: next,
        last: first - 1,
        expected: `a completed range from ${next} on`,
        got: `the next one begins at ${first}`,
        todo: toReplay(stream, { first: next, last: first - 1 }),
      });
    if (next !== null && first < next)
      say({
        kind: 'LEDGER_OVERLAP',
        first,
        last: Math.min(last, next - 1),
        expected: `the next range to begin at ${next}`,
        got: `one of ${first} to ${last}`,
        todo: 'two sinks have stored these positions in ranges with other bounds: look for doubled positions',
      });
    next = Math.max(next ?? 0, last + 1);
    const names = entries.map(({ project, keyId }) => `${project} ${keyId}`);
    if (new Set(names).size < names.length) {
      say({
        kind: 'LEDGER_TWICE',
        first,
        last,
        expected: 'one row for each project and key',
        got: `${names.length} rows for ${new Set(names).size}`,
        todo: 'take out the second row of the table ledger by hand',
      });
      return;
    }
    const sum = entries.reduce((all, entry) => all + toSum(entry), 0);
    if (sum !== last - first + 1)
      say({
        kind: 'LEDGER_UNBALANCED',
        first,
        last,
        expected: `${last - first + 1} records stored, deduplicated, dead-lettered or dropped`,
        got: `${sum}`,
        todo: 'a row of the ledger is missing or was changed: delete those of this range, and then replay it',
      });
  };

  return {
    look(ranges, corrections) {
      findings.length = 0;
      for (const range of ranges) lookAt(range);
      const moved = corrections.reduce((all, entry) => all + toSum(entry), 0);
      const block: OffsetRange = { first: ranges[0]!.first, last: ranges.at(-1)!.last };
      if (moved !== 0)
        say({
          kind: 'LEDGER_UNBALANCED',
          ...block,
          expected: 'corrections that move records, and neither add nor lose any',
          got: `${moved > 0 ? '+' : ''}${moved}`,
          todo: 'a row of the phase corrected is missing or was changed: run tallygate dedupe again',
        });
      return [...findings];
    },
    get next() {
      return next ?? 0;
    },
  };
}

function toSum({ stored, deduplicated, deadLettered, dropped, deleted }: LedgerEntry): number {
  return stored + deduplicated + deadLettered + dropped + deleted;
}
