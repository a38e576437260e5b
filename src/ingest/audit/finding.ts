import type { StreamParts } from '../../events/position.ts';
import type { OffsetRange } from '../ledger.ts';

/** Kinds of what an audit finds; docs/operating.md says what each one means. */
export const findingKinds = [
  'COMMIT_AHEAD',
  'COMMIT_BACK',
  'OPEN_RANGE',
  'LOG_BEHIND',
  'LOG_TRIMMED',
  'LEDGER_GAP',
  'LEDGER_OVERLAP',
  'LEDGER_TWICE',
  'LEDGER_UNBALANCED',
  'ANNOUNCED_ONLY',
  'MISSING',
  'DOUBLED',
  'PHANTOM',
  'TALLY',
  'REPEAT_COUNTED',
  'ROLLUP',
  'EDGES',
  'CONTENT',
] as const;

export type FindingKind = (typeof findingKinds)[number];

export interface AuditFinding extends OffsetRange {
  readonly kind: FindingKind;
  readonly stream: StreamParts;
  readonly expected: string;
  readonly got: string;
  /** What to do about it. */
  readonly todo: string;
}

/** Offsets in order as ranges. */
export function toOffsetRanges(offsets: readonly number[]): OffsetRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const offset of offsets) {
    const open = ranges.at(-1);
    if (open && offset <= open.last + 1) open.last = offset;
    else ranges.push({ first: offset, last: offset });
  }
  return ranges;
}

/** Puts back what a stream has lost. */
export function toReplay({ lane, partition }: StreamParts, { first, last }: OffsetRange): string {
  const laneFlag = lane === 1 ? ' --lane history' : '';
  return `tallygate replay${laneFlag} --from ${partition}:${first} --to ${partition}:${last}`;
}

/** Neighbours of one kind that say the same of each position are one. */
export function joinFindings(findings: readonly AuditFinding[]): AuditFinding[] {
  const joined: AuditFinding[] = [];
  for (const finding of findings) {
    const before = joined.at(-1);
    const isNext = before?.kind === finding.kind && before.last + 1 === finding.first && finding.kind === 'MISSING';
    if (!before || !isNext || before.expected !== finding.expected || before.got !== finding.got) joined.push(finding);
    else
      joined[joined.length - 1] = {
        ...before,
        last: finding.last,
        todo: toReplay(before.stream, { first: before.first, last: finding.last }),
      };
  }
  return joined;
}
