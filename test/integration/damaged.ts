import type { Arrival } from '../../src/events/event.ts';
import { parseEvent } from '../../src/events/parse.ts';
import { encodeRecord } from '../../src/events/record.ts';
import { restoreRange } from '../../src/ingest/restore.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { SinkBench } from './sink-bench.ts';

export const now = Date.UTC(2026, 2, 1, 12);
const hour = 3_600_000;

export interface RecordInput {
  readonly messageId: string;
  readonly project?: string;
  readonly keyId?: string;
  readonly event?: string;
  readonly receivedAt?: number;
  readonly timestamp?: number;
  readonly n?: number;
}

export function toRecord({ messageId, ...more }: RecordInput): NewRecord {
  const arrival: Arrival = {
    project: more.project ?? 'demo',
    keyId: more.keyId ?? 'k1',
    receivedAt: more.receivedAt ?? now,
    retentionDays: undefined,
  };
  const timestamp = more.timestamp === undefined ? null : new Date(more.timestamp);
  const input = { event: more.event ?? 'E', userId: 'u', messageId, timestamp, properties: { n: more.n ?? 1 } };
  const { event, errors } = parseEvent('track', input, arrival);
  if (!event) throw new Error(JSON.stringify(errors));
  return { key: 'demo|u', value: encodeRecord(event, arrival) };
}

/**
 * Records of every kind, over four days: two projects with two keys, four names, repeats within the window and beyond it,
 * dead letters that the gateway made, some that nobody can read, and some that the engine refuses.
 */
export function toMixture(count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const receivedAt = now + Math.floor((i / count) * 96) * hour;
    const more = {
      project: i % 3 === 0 ? 'demo' : 'other',
      keyId: `k${1 + (i % 2)}`,
      event: `event ${i % 4}`,
      receivedAt,
    };
    if (i % 29 === 7) return { key: 'demo|u', value: Buffer.from(`no record ${i}`) };
    if (i % 31 === 5) return toRecord({ messageId: `far-${i}`, ...more, timestamp: receivedAt + 9 * 24 * hour });
    if (i % 37 === 3) {
      const { key, value } = toRecord({ messageId: `bad-${i}`, ...more });
      return { key, value: Buffer.from(value.toString().replace('"kind":"track"', '"kind":"other"')) };
    }
    const twice = i % 5 === 4 ? i - 4 : i % 41 === 40 ? i - 40 : i;
    return toRecord({ messageId: `m${twice}`, ...more, project: twice % 3 === 0 ? 'demo' : 'other', n: twice });
  });
}

export const deps = ({ log, warehouse }: Pick<SinkBench, 'log' | 'warehouse'>) => ({
  log,
  warehouse,
  metrics: createMetrics(),
  logger: createSilentLogger(),
  windowHours: 24,
});

/** Stores records in ranges of a size, as a sink would leave them, without one. */
export async function storeInRanges(bench: SinkBench, records: readonly NewRecord[], size: number): Promise<void> {
  for (let i = 0; i < records.length; i += size) {
    const some = records.slice(i, i + size);
    const first = await bench.log.append(0, some);
    await restoreRange(deps(bench), { stream: 0, logPartition: 0, first, last: first + some.length - 1 });
  }
}

/** Everything that the tables say, but when it was written. */
export async function readAll({ rows }: Pick<SinkBench, 'rows'>) {
  const ordered = 'ORDER BY log_stream, log_offset';
  return {
    events: await rows<{ log_stream: number; log_offset: string }>(
      `SELECT * EXCEPT doc, person FROM events ${ordered}`,
    ),
    repeats: await rows(`SELECT * FROM repeats ${ordered}`),
    dead_letters: await rows(`SELECT * FROM dead_letters ${ordered}`),
    rollup: await rows(
      'SELECT project, event, hour, log_stream, sum(r.events) AS n FROM rollup_hourly AS r GROUP BY project, event, hour, log_stream HAVING n != 0 ORDER BY ALL',
    ),
    ledger: await rows(
      "SELECT * EXCEPT (written_at, window_hours) FROM ledger WHERE phase = 'completed' ORDER BY log_stream, first_offset, project, key_id",
    ),
  };
}
