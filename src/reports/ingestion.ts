import { historyLane } from '../events/position.ts';
import { readEveryMs, type WatermarkReader } from './watermark.ts';

export interface Ingestion {
  readonly asOf: Date;
  readonly lag: number;
  readonly partitions: readonly {
    readonly lane: 'LIVE' | 'HISTORY';
    readonly partition: number;
    readonly lag: number;
  }[];
}

export async function runIngestion(watermark: WatermarkReader): Promise<Ingestion> {
  const { asOf } = await watermark.read(readEveryMs);
  const partitions = watermark.lag().map(({ lane, partition, lag }) => ({ lane: toLaneName(lane), partition, lag }));
  return { asOf: new Date(asOf), lag: partitions.reduce((sum, { lag }) => sum + lag, 0), partitions };
}

function toLaneName(lane: number): 'LIVE' | 'HISTORY' {
  return lane === historyLane ? 'HISTORY' : 'LIVE';
}
