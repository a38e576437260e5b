import { toLogRecord } from '../../src/adapters/kafka/log-record.ts';
import { toStoredTime } from '../../src/events/record.ts';
import type { RecordFacts } from '../../src/events/record-facts.ts';
import { type Facts, readFacts } from '../../src/ingest/facts.ts';
import type { Repeats } from '../../src/ingest/repeats.ts';

/** As the sink reads them, of records that say this; null for one that cannot be read. */
export function toFacts({ slotKey }: Repeats, said: readonly (RecordFacts | null)[]): Promise<Facts> {
  const records = said.map((facts, offset) =>
    toLogRecord(offset, Buffer.from(facts ? toRecord(facts) : 'none of ours')),
  );
  return readFacts(records, slotKey);
}

function toRecord({ project, keyId, messageId, fingerprint, receivedAt, time, dead }: RecordFacts): string {
  return JSON.stringify({
    project,
    key_id: keyId,
    message_id: messageId,
    fingerprint,
    received_at: toStoredTime(receivedAt),
    time: toStoredTime(time),
    ...(dead && { dead_code: dead.code, dead_message: dead.message }),
  });
}
