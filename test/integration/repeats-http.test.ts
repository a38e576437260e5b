import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { createPairBench } from './repeats-rig.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 2, 1);

describeWith(
  ['clickhouse'],
  'the window of repeats over HTTP',
  ({ CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD }) => {
    test('lookups fit into an address, whatever ids are made of, and pages come back whole', async () => {
      const warehouse = openServerWarehouse({
        url: CLICKHOUSE_URL,
        user: CLICKHOUSE_USER,
        password: CLICKHOUSE_PASSWORD,
        database: uniqueName('repeats'),
        cluster: undefined,
        limits: { seconds: 60, memoryBytes: 4e9, resultRows: 1e6 },
        metrics: createMetrics(),
      });
      try {
        await warehouse.migrate();
        const pair = createPairBench(warehouse);
        const facts = Array.from({ length: 12_000 }, (_, i) => ({
          project: 'shop',
          keyId: 'k',
          messageId: i % 3 === 0 ? `😀'\\\n\0 ${i}` : crypto.randomUUID(),
          receivedAt: start + (i % 5) * hour,
          time: start + i * 1000,
          fingerprint: i,
          dead: null,
        }));
        const others = facts.map((fact) => ({ ...fact, fingerprint: fact.fingerprint + 1 }));
        const repeats = await pair.open();
        expect(new Set(await pair.take(repeats, { lane: 'history', facts }))).toEqual(new Set(['new']));
        expect(new Set(await pair.judge(repeats, { lane: 'history', facts }))).toEqual(new Set(['repeat']));
        const rebuilt = await pair.open();
        expect(new Set(await pair.judge(rebuilt, { lane: 'live', facts }))).toEqual(new Set(['repeat']));
        expect(new Set(await pair.judge(rebuilt, { lane: 'history', facts: others }))).toEqual(new Set(['conflict']));
      } finally {
        await warehouse.close();
      }
    });
  },
);
