import type { Stream } from '../../events/position.ts';
import { toStoredTime } from '../../events/record.ts';

/** A record whose row has to go. Times are milliseconds since 1970. */
export interface Doomed {
  readonly offset: number;
  readonly keyId: string;
  readonly messageId: string;
  readonly fingerprint: number;
  readonly receivedAt: number;
  /** Null of a dead letter. */
  readonly time: number | null;
  readonly was: 'event' | 'dead_letter';
}

/** A line of `tombstones`. */
export function toTombstone(
  stream: Stream,
  { project, deletion }: { readonly project: string; readonly deletion: string },
  { offset, keyId, messageId, fingerprint, receivedAt, time, was }: Doomed,
): string {
  return `${JSON.stringify({
    project,
    key_id: keyId,
    message_id: messageId,
    fingerprint,
    received_at: toStoredTime(receivedAt),
    time: time === null ? null : toStoredTime(time),
    was,
    deletion,
    log_stream: stream,
    log_offset: offset,
  })}\n`;
}
