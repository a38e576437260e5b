import { TallygateError } from '../../src/errors.ts';
import { type ReceiptReports, startReceiptReports } from '../../src/ingest/receipt-reports.ts';
import { createReceipts } from '../../src/ingest/receipts.ts';
import type { Consumption, EventLog } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { type Answer, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const counts =
  'received accepted rejected { code count } retried { code count } stored deduplicated conflicting deadLettered dropped inFlight';

export interface Counts {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: readonly { code: string; count: number }[];
  readonly retried: readonly { code: string; count: number }[];
  readonly stored: number;
  readonly deduplicated: number;
  readonly conflicting: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly inFlight: number;
}

export interface Bucket extends Counts {
  readonly start: string;
  readonly balanced: boolean;
  readonly incomplete: boolean;
  readonly byKey: readonly (Counts & { keyId: string })[];
}

export const zero: Counts = {
  received: 0,
  accepted: 0,
  rejected: [],
  retried: [],
  stored: 0,
  deduplicated: 0,
  conflicting: 0,
  deadLettered: 0,
  dropped: 0,
  inFlight: 0,
};

/** A gateway that reports what it receives, its log, its warehouse and a sink, with what tests turn. */
export interface LedgerSite {
  readonly bench: SinkBench;
  readonly site: Site;
  readonly reports: ReceiptReports;
  /** null while it is stopped. */
  sink: Consumption | null;
  /** Whether the log refuses appends. */
  refusing: boolean;
  /** How far the clock of the gateway is ahead, in milliseconds. */
  ahead: number;
  track(events: readonly object[], as?: string): Promise<Answer>;
  ask(last?: string, by?: string): Promise<Bucket[]>;
  /** Of the day: the minute may change in the middle of a test. */
  askTotal(): Promise<Bucket>;
  startSink(): Promise<void>;
  stopSink(): Promise<void>;
  close(): Promise<void>;
}

export async function openLedgerSite(engine: string): Promise<LedgerSite> {
  const bench = await openSinkBench(engine);
  const receipts = createReceipts();
  const { warehouse } = bench;
  const reports = await startReceiptReports({ receipts, warehouse, logger: createSilentLogger(), everyMs: 50 });
  const log: EventLog = {
    ...bench.log,
    append: (partition, records) =>
      self.refusing
        ? Promise.reject(new TallygateError('LOG_UNAVAILABLE', 'away'))
        : bench.log.append(partition, records),
  };
  const site = await openSite({ warehouse, log, receipts, clock: () => Date.now() + self.ahead });
  const self: LedgerSite = {
    bench,
    site,
    reports,
    sink: null,
    refusing: false,
    ahead: 0,
    track: (events, as = secrets.write) =>
      site.post(
        {
          query: 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { results { status } } }',
          variables: { input: { events } },
        },
        { as },
      ),
    async ask(last = '10m', by = 'MINUTE') {
      const query = `query ($last: String, $by: Interval) { ingestion { ledger(range: { last: $last }, by: $by) { start balanced incomplete ${counts} byKey { keyId ${counts} } } } }`;
      const { body } = await site.post({ query, variables: { last, by } });
      expect(body.errors).toBeUndefined();
      return (body.data as { ingestion: { ledger: Bucket[] } }).ingestion.ledger;
    },
    async askTotal() {
      const [yesterday, today] = (await self.ask('2d', 'DAY')) as [Bucket, Bucket];
      return today.received > 0 ? today : yesterday;
    },
    async startSink() {
      self.sink = await bench.startSink();
    },
    async stopSink() {
      await self.sink?.stop(5000);
      self.sink = null;
    },
    async close() {
      await site.close();
      await reports.stop(1000);
      await self.stopSink();
      await bench.close();
    },
  };
  await self.startSink();
  return self;
}

export const good = (messageId: string, properties = {}) => ({
  track: { event: 'E', userId: 'u', messageId, timestamp: '2026-01-01T00:00:00Z', properties },
});
export const nameless = (messageId: string) => ({ track: { event: '', userId: 'u', messageId } });
export const nobody = (messageId: string) => ({ track: { event: 'E', messageId } });
export const dead = (messageId: string) => ({ page: { userId: 'u', messageId, timestamp: '1700-01-01T00:00:00Z' } });
