import { historyLane, liveLane } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { readEveryMs, type WatermarkReader } from '../moment/watermark.ts';

export interface Ingestion {
  readonly asOf: Date;
  readonly lag: number;
  readonly partitions: readonly {
    readonly lane: 'LIVE' | 'HISTORY';
    readonly partition: number;
    readonly lag: number;
  }[];
}

/** Of each partition that had a live batch of late the newest; null when none had. */
export async function readWindowHours(warehouse: Warehouse, signal: AbortSignal): Promise<number | null> {
  const { rows } = await warehouse.query<{ hours: number | null }>(
    {
      sql: `SELECT min(toNullable(hours)) AS hours FROM (
              SELECT log_stream, argMax(window_hours, last_offset) AS hours FROM ledger
              WHERE phase = 'completed' AND written_at > now64(3) - INTERVAL 1 DAY AND window_hours > 0
                AND bitAnd(bitShiftRight(log_stream, 14), 3) = {lane:UInt32}
              GROUP BY log_stream)`,
      params: { lane: liveLane },
    },
    { label: 'ingestion', lane: 'ledger', signal },
  );
  return rows[0]?.hours ?? null;
}

export async function runIngestion(watermark: WatermarkReader): Promise<Ingestion> {
  const { asOf } = await watermark.read(readEveryMs);
  const partitions = watermark.lag().map(({ lane, partition, lag }) => ({ lane: toLaneName(lane), partition, lag }));
  return { asOf: new Date(asOf), lag: partitions.reduce((sum, { lag }) => sum + lag, 0), partitions };
}

function toLaneName(lane: number): 'LIVE' | 'HISTORY' {
  return lane === historyLane ? 'HISTORY' : 'LIVE';
}
