import type { StreamParts } from '../../events/position.ts';
import type { PartitionState } from '../../ports/event-log.ts';
import type { OffsetRange } from '../ledger.ts';
import { type AuditFinding, toReplay } from './finding.ts';

export interface CommitView {
  readonly stream: StreamParts;
  /** The last completed range as the ledger had it before the commit was read; null when there was none. */
  readonly before: OffsetRange | null;
  readonly state: PartitionState;
  /** As the ledger had it after the commit was read. */
  readonly after: OffsetRange | null;
}

/**
 * What the group remembers beside what the ledger has. A sink commits the range that it is about to store, stores it, and
 * then says so in the ledger: whatever a commit leaves behind was completed before it, and nothing is completed that no
 * commit had opened. So the ledger is read before and after the commits, and neither check can mistake work that goes on.
 */
export function judgeCommit({ stream, before, state, after }: CommitView): AuditFinding[] {
  const { begin, end, committed } = state;
  const findings: AuditFinding[] = [];
  const say = (finding: Omit<AuditFinding, 'stream'>) => findings.push({ stream, ...finding });
  const completed = after?.last ?? -1;
  const known = before?.last ?? -1;
  if (completed >= end)
    say({
      kind: 'LOG_BEHIND',
      first: end,
      last: completed,
      expected: `a log that has what the ledger tells of, up to ${completed}`,
      got: `a log that ends before ${end}`,
      todo: 'the log was replaced or reset: if the old one is gone for good, tallygate migrate --new-epoch',
    });
  if (begin > completed + 1)
    say({
      kind: 'LOG_TRIMMED',
      first: completed + 1,
      last: begin - 1,
      expected: `records from ${completed + 1} on, which are not stored yet`,
      got: `a log that begins at ${begin}`,
      todo: 'these records are lost: keep a sink running, and let the log keep records for longer',
    });
  if (committed === null) {
    if (known >= 0)
      say({
        kind: 'COMMIT_BACK',
        first: 0,
        last: known,
        expected: `a commit of ${known + 1}`,
        got: 'none',
        todo: 'nothing is lost: the sink goes on behind what the ledger has. Find out who removed it',
      });
    return findings;
  }
  const { next, end: open } = committed;
  const shown = open === null ? `a commit of ${next}` : `a commit of ${next}, with ${next} to ${open} being stored`;
  // What was trimmed before it was stored is said already.
  const from = Math.max(completed + 1, begin);
  if (next > from)
    say({
      kind: 'COMMIT_AHEAD',
      first: from,
      last: next - 1,
      expected: `a commit of at most ${completed + 1}, since nothing behind it is completed`,
      got: shown,
      todo: toReplay(stream, { first: from, last: next - 1 }),
    });
  if (open !== null && open >= end)
    say({
      kind: 'OPEN_RANGE',
      first: next,
      last: open,
      expected: `a range within the log, which ends before ${end}`,
      got: shown,
      todo: 'the sink waits for records that do not exist: stop it, and set the commit to what the ledger has',
    });
  if (known < 0) return findings;
  if (open === null ? next <= known : open < known)
    say({
      kind: 'COMMIT_BACK',
      first: next,
      last: known,
      expected: `a commit of ${known + 1}, or of the last range, ${before!.first} to ${known}`,
      got: shown,
      todo:
        open === null
          ? 'nothing is lost: the sink goes on behind what the ledger has. Find out who moved it'
          : 'stop the sinks before they store that range again, and set the commit to what the ledger has',
    });
  else if (open !== null && next <= known && !(next === before!.first && open === known))
    say({
      kind: 'OPEN_RANGE',
      first: next,
      last: open,
      expected: `the bounds of the last range, ${before!.first} to ${known}, or a range behind it`,
      got: shown,
      todo: 'stop the sinks before they store that range again, and set the commit to what the ledger has',
    });
  return findings;
}
