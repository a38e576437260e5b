import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { Consumption } from '../../src/ports/event-log.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import { createRecorder, type Explanation } from '../../src/reports/explain/explain.ts';
import { createReports, type ReportRequest, type Reports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const metrics = createMetrics();
const logger = createSilentLogger();
export const signal = new AbortController().signal;
export const day = 86_400_000;

/** Made anew for each test. */
export interface ExplainRig {
  bench: SinkBench;
  sink: Consumption;
  reports: Reports;
  /** What the cache has. A test may change it behind the gateways' back. */
  stored: Map<string, Buffer>;
  /** Takes everything out of the cache; what was answered is there before, since it is written a moment after its answer. */
  forget(): Promise<void>;
  /** Another gateway over the same cache, log and warehouse, or over those given instead. */
  open(instead?: Partial<Pick<Parameters<typeof createReports>[0], 'log' | 'warehouse'>>): Reports;
}

export const startSink = (bench: SinkBench) => bench.startSink(bench.warehouse, { lingerMs: 50, batchRows: 200 });

/** For the top of a test file: a sink and a gateway over a cache that can be looked into. */
export function useExplainRig(): ExplainRig {
  const rig = {} as ExplainRig;
  let engine: string;
  beforeAll(async () => {
    engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
  });
  afterAll(() => rm(engine, { recursive: true, force: true }));
  beforeEach(async () => {
    const bench = await openSinkBench(engine);
    const stored = new Map<string, Buffer>();
    const cache: ReportCache = {
      ...createMemoryCache({ maxBytes: 32e6, metrics }),
      getMany: async (keys) => keys.map((key) => stored.get(key)),
      setMany: async (entries) => {
        for (const { key, value } of entries) stored.set(key, value);
      },
    };
    rig.open = (instead = {}) =>
      createReports({ log: bench.log, warehouse: bench.warehouse, cache, logger, metrics, ...instead });
    const forget = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      stored.clear();
    };
    Object.assign(rig, { bench, stored, forget, sink: await startSink(bench), reports: rig.open() });
  });
  afterEach(async () => {
    rig.reports.stop();
    await rig.sink.stop(5000);
    await rig.bench.close();
  });
  return rig;
}

export const today = () => Math.floor(Date.now() / day) * day;
export const iso = (ms: number) => new Date(ms).toISOString();

interface Sent {
  readonly daysAgo: number;
  readonly userId?: string;
  readonly text?: string;
}

export async function send({ bench }: ExplainRig, ...events: readonly Sent[]) {
  const tracker = createTracker({ log: bench.log, metrics, retentionDays: undefined });
  const { token } = await tracker.track(
    { project: 'demo', keyId: 'k' },
    events.map(({ daysAgo, userId = 'u', text = '' }) => ({
      kind: 'track' as const,
      input: { event: 'E', userId, timestamp: new Date(today() - daysAgo * day), properties: { one: 1, text } },
    })),
  );
  return { after: token, maxWaitMs: 10_000 };
}

/** The explanation of what an operation asked for; nothing but the data goes into `answer`. */
export async function explain<T>(of: Reports, ask: (operation: ReportRequest) => Promise<T>) {
  const recorder = createRecorder();
  const answer = await recorder.within('asked', () => ask(of.begin('demo', signal, recorder)));
  const explanation = (await recorder.finish()) as Explanation;
  return { answer, explanation, cells: explanation.reports.flatMap(({ cells }) => cells) };
}

export const count =
  (freshness: object = {}, more: object = {}) =>
  (operation: ReportRequest) =>
    operation.trend({ range: { last: '7d' }, series: [{ event: 'E' }], freshness, ...more });
export const persons =
  (freshness: object = {}) =>
  (operation: ReportRequest) =>
    operation.stickiness({ range: { last: '7d' }, interval: 'DAY', event: 'E', freshness });
