import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTieredCache } from '../../src/adapters/memory/tiered-cache.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import { createRecorder, type Explanation } from '../../src/reports/explain/explain.ts';
import { createReports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { untilState } from '../contract/report-cache.ts';
import { closeOpened, openReady } from '../contract/report-cache-couchbase.ts';
import { describeWithOwn } from '../servers/require.ts';
import { openSinkBench } from './sink-bench.ts';

const metrics = createMetrics();
const logger = createSilentLogger();
const signal = new AbortController().signal;

afterEach(closeOpened);

describeWithOwn(['couchbase'], 'a Couchbase server that goes away', (start) => {
  test('its entries are told from its absence, and what is in memory is found all the same', async () => {
    const engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
    const bench = await openSinkBench(engine);
    const sink = await bench.startSink(bench.warehouse, { lingerMs: 50, batchRows: 200 });
    const server = await start.couchbase();
    const { cache: far } = await openReady(server.env);
    const near = () => createMemoryCache({ maxBytes: 1e6, metrics });
    const open = (cache: ReportCache) =>
      createReports({ log: bench.log, warehouse: bench.warehouse, cache, logger, metrics });
    const gateways = [open(far), open(createTieredCache({ near: near(), far })), open(far)] as const;
    const tracker = createTracker({ log: bench.log, metrics, retentionDays: undefined });
    const sender = { project: 'demo', keyId: 'k' };
    const { token } = await tracker.track(sender, [{ kind: 'track', input: { event: 'E', userId: 'u' } }]);
    const explain = async (gateway: (typeof gateways)[number]) => {
      const freshness = { after: token, maxWaitMs: 10_000 };
      const recorder = createRecorder();
      const operation = gateway.begin('demo', signal, recorder);
      const { series } = await operation.trend({ range: { last: '7d' }, series: [{ event: 'E' }], freshness });
      expect(series[0]!.total).toBe(1);
      const explanation = (await recorder.finish()) as Explanation;
      return { explanation, cell: explanation.reports[0]!.cells[0]! };
    };
    /** What is stored is on its way for a moment. */
    const untilFound = async (gateway: (typeof gateways)[number]) => {
      for (let left = 100; ; left--) {
        const { cell, explanation } = await explain(gateway);
        if (cell.found === 7) return explanation.cache.looks;
        if (left === 0) throw new Error(`expected 7 buckets in the cache, got ${cell.found}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    try {
      await explain(gateways[0]);
      const [alone] = await untilFound(gateways[0]);
      expect(alone).toMatchObject({ fromSharedCache: null });
      // What another gateway has computed.
      const [first] = await untilFound(gateways[1]);
      expect(first).toMatchObject({ fromSharedCache: first!.found });
      const [again] = await untilFound(gateways[1]);
      expect(again).toMatchObject({ found: first!.found, fromSharedCache: 0 });

      await server.kill();
      for (let left = 100; far.state() === 'ready' && left > 0; left--) await far.getMany([`probe-${left}`]);
      await untilState(far, 'degraded', 5000);
      const away = await explain(gateways[2]);
      expect(away.explanation.cache.state).toBe('degraded');
      expect(away.explanation.cache.looks.every(({ state }) => state === 'degraded')).toBe(true);
      expect(away.cell).toMatchObject({ found: 0, computed: 7 });
      expect(away.cell.misses).toMatchObject([
        { why: 'CACHE_AWAY', text: expect.stringContaining('its breaker is open'), buckets: 7 },
      ]);
      const near = await explain(gateways[1]);
      expect(near.cell).toMatchObject({ found: 7, computed: 0 });
      expect(near.explanation.cache.state).toBe('degraded');
    } finally {
      for (const gateway of gateways) gateway.stop();
      await sink.stop(5000);
      await bench.close();
      await rm(engine, { recursive: true, force: true });
    }
  });
});
