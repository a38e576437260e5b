import { moment, toBucketExpression } from './plan.ts';
import { type Interval, parseRange, type RangeInput, toBuckets } from './range.ts';
import type { Session } from './session.ts';
import { sql, toStatement, value } from './sql.ts';
import { readEveryMs, type WatermarkReader } from './watermark.ts';

export interface Ingestion {
  readonly asOf: Date;
  readonly lag: number;
  readonly partitions: readonly { readonly lane: number; readonly partition: number; readonly lag: number }[];
}

export interface LedgerBucket {
  readonly start: Date;
  readonly stored: number;
  readonly deduplicated: number;
  readonly deadLettered: number;
  readonly dropped: number;
}

export async function runIngestion(watermark: WatermarkReader): Promise<Ingestion> {
  const { asOf } = await watermark.read(readEveryMs);
  const partitions = watermark.lag();
  return { asOf: new Date(asOf), lag: partitions.reduce((sum, { lag }) => sum + lag, 0), partitions };
}

interface LedgerRow {
  readonly b: string;
  readonly stored: string;
  readonly deduplicated: string;
  readonly dead_lettered: string;
  readonly dropped: string;
}

/** What became of the project's events, by the time at which they were stored. */
export async function runLedger(
  session: Session,
  input: { readonly range: RangeInput; readonly by?: Interval | null | undefined },
  now: number,
): Promise<LedgerBucket[]> {
  const range = parseRange(input.range, now);
  const buckets = toBuckets(range, input.by ?? 'MINUTE');
  const { rows } = await session.query<LedgerRow & Record<string, unknown>>(
    toStatement(sql`SELECT toString(${toBucketExpression(buckets)}) AS b, sum(stored) AS stored, sum(deduplicated) AS deduplicated, sum(dead_lettered) AS dead_lettered, sum(dropped) AS dropped
      FROM (SELECT written_at AS time, stored, deduplicated, dead_lettered, dropped FROM ledger
        WHERE phase = 'completed' AND project = ${value('String', session.project)} AND written_at >= ${moment(range.from)} AND written_at < ${moment(range.to)})
      GROUP BY b`),
    { label: 'ledger', limits: { resultRows: 20_000 } },
  );
  const byStart = new Map(rows.map((row) => [row.b, row]));
  return buckets.map((start) => {
    const row = byStart.get(String(start));
    return {
      start: new Date(start),
      stored: Number(row?.stored ?? 0),
      deduplicated: Number(row?.deduplicated ?? 0),
      deadLettered: Number(row?.dead_lettered ?? 0),
      dropped: Number(row?.dropped ?? 0),
    };
  });
}
