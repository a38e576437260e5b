import type { Warehouse } from '../../../src/ports/warehouse.ts';

export interface Stored {
  readonly seconds: number;
  /** CPU of this process: the sink, the log and, where it is embedded, the engine. */
  readonly cpuSeconds: number;
  readonly rows: number;
  /** Equal for equal rows. */
  readonly fingerprint: string;
}

export async function readStored(warehouse: Warehouse): Promise<Pick<Stored, 'rows' | 'fingerprint'>> {
  const { rows } = await warehouse.query<{ rows: string; fingerprint: string }>(
    {
      sql: `SELECT count() AS rows, toString(sum(sipHash64(log_stream, log_offset, project, event, message_id,
              toUnixTimestamp64Milli(time), data))) AS fingerprint FROM events`,
    },
    { label: 'bench', limits: { seconds: 300 } },
  );
  return { rows: Number(rows[0]?.rows), fingerprint: rows[0]?.fingerprint ?? '' };
}
