import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { historyLane, liveLane, toStream } from '../../src/events/position.ts';
import { toStoredTime } from '../../src/events/record.ts';
import type { RecordFacts } from '../../src/events/record-facts.ts';
import { createDedupBudget, type DedupBudget } from '../../src/ingest/dedup-budget.ts';
import type { PairStreams, Positions } from '../../src/ingest/repeat-lookup.ts';
import { openRepeats, type Repeats, type Verdict } from '../../src/ingest/repeats.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { toFacts } from './to-facts.ts';

const logger = createSilentLogger();
const metrics = createMetrics();
const mebibyte = 1024 * 1024;

export type Lane = 'live' | 'history';

export interface Batch {
  readonly lane: Lane;
  readonly facts: readonly (RecordFacts | null)[];
}

/** A pair of lanes of its own in a warehouse, which stores what it is told was decided. */
export interface PairBench {
  readonly streams: PairStreams;
  readonly positions: Positions;
  open(options?: {
    readonly windowHours?: number;
    readonly budget?: DedupBudget;
    readonly asOf?: Positions;
  }): Promise<Repeats>;
  /** Judges a batch at the end of its lane and stores it. */
  take(repeats: Repeats, batch: Batch): Promise<readonly (Verdict | null)[]>;
  judge(repeats: Repeats, batch: Batch, asOf?: Positions): Promise<readonly (Verdict | null)[]>;
}

let databases = 0;
let partitions = 0;
let inserts = 0;

export async function openTestWarehouse(path: string): Promise<Warehouse> {
  const warehouse = await openEmbeddedWarehouse({
    path,
    database: `repeats_${++databases}`,
    reportConnections: 1,
    limits: { seconds: 60, memoryBytes: 4e9, resultRows: 1e6 },
    metrics: createMetrics(),
  });
  await warehouse.migrate();
  return warehouse;
}

export function createBudget(bytes: number = 64 * mebibyte) {
  const metrics = createMetrics();
  return Object.assign(createDedupBudget({ bytes, metrics, logger }), { metrics });
}

/** `before`: a log that this one has taken the place of. */
export function createPairBench(warehouse: Warehouse, lanes: 1 | 2 = 2, before?: PairBench): PairBench {
  const partition = ++partitions;
  const epoch = before ? 1 : 0;
  const streams: PairStreams = {
    live: toStream({ epoch, lane: liveLane, partition }),
    history: lanes === 2 ? toStream({ epoch, lane: historyLane, partition }) : null,
    older: before
      ? [
          { stream: before.streams.live, last: before.positions.live - 1 },
          { stream: before.streams.history as number, last: before.positions.history - 1 },
        ]
      : [],
  };
  let positions: Positions = { live: 0, history: 0 };
  const signal = new AbortController().signal;

  const insert = async (table: string, rows: readonly Record<string, unknown>[]) => {
    if (rows.length === 0) return;
    await warehouse.insert(table, Buffer.from(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`), {
      token: `test:${++inserts}`,
    });
  };

  const store = async ({ lane, facts }: Batch, verdicts: readonly (Verdict | null)[]) => {
    const stream = streams[lane] as number;
    const first = positions[lane];
    const tables = { events: [], dead_letters: [], repeats: [] } as Record<string, Record<string, unknown>[]>;
    for (const [i, fact] of facts.entries()) {
      const at = { log_stream: stream, log_offset: first + i };
      if (fact === null) {
        tables.dead_letters!.push({ ...at, code: 'UNREADABLE' });
        continue;
      }
      const row = {
        ...at,
        project: fact.project,
        message_id: fact.messageId,
        fingerprint: fact.fingerprint,
        received_at: toStoredTime(fact.receivedAt),
      };
      if (verdicts[i] !== 'new') tables.repeats!.push({ ...row, conflict: verdicts[i] === 'conflict' });
      else if (fact.dead) tables.dead_letters!.push({ ...row, code: fact.dead.code });
      else tables.events!.push({ ...row, kind: 'track', event: 'E', time: toStoredTime(fact.time), data: '{}' });
    }
    for (const [table, rows] of Object.entries(tables)) await insert(table, rows);
    const newest = Math.max(0, ...facts.map((fact) => fact?.receivedAt ?? 0));
    await insert('ledger', [
      {
        phase: 'completed',
        log_stream: stream,
        first_offset: first,
        last_offset: first + facts.length - 1,
        project: 'shop',
        newest_received_at: toStoredTime(newest),
        newest_time: toStoredTime(newest),
      },
    ]);
    positions = { ...positions, [lane]: first + facts.length };
  };

  const bench: PairBench = {
    streams,
    get positions() {
      return positions;
    },
    open: ({ windowHours = 24, budget = createBudget(), asOf = positions } = {}) =>
      openRepeats({ warehouse, streams, asOf, windowHours, budget, metrics, logger, signal }),
    judge: async (repeats, { lane, facts }, asOf = positions) =>
      repeats.judge(lane, asOf, await toFacts(repeats, facts), signal),
    async take(repeats, batch) {
      const verdicts = await bench.judge(repeats, batch);
      await store(batch, verdicts);
      return verdicts;
    },
  };
  return bench;
}

/** The rule, said once more in the plainest way: over everything that ever came. */
export function createOracle(windowHours: number) {
  interface Kept {
    readonly lane: Lane;
    readonly fact: RecordFacts;
  }
  const kept: Kept[] = [];
  const hourOf = (fact: RecordFacts) => Math.floor(fact.receivedAt / 3_600_000);
  const day = 86_400_000;
  return (lane: Lane, fact: RecordFacts | null): Verdict | null => {
    if (fact === null) return null;
    const same = kept.filter((k) => k.fact.project === fact.project && k.fact.messageId === fact.messageId);
    const live = same.filter((k) => k.lane === 'live');
    const history = same.filter((k) => k.lane === 'history');
    let first: Kept | undefined;
    if (lane === 'live') {
      const within = (k: Kept) => hourOf(fact) - hourOf(k.fact) <= windowHours;
      const last = (list: Kept[]) => list.filter(within).toSorted((a, b) => hourOf(b.fact) - hourOf(a.fact))[0];
      first = last(live) ?? last(history);
      if (first) return (first.fact.fingerprint & 4095) === (fact.fingerprint & 4095) ? 'repeat' : 'conflict';
    } else {
      first = [...live, ...history].find((k) => k.fact.dead || Math.abs(k.fact.time - fact.time) <= day);
      if (first) return first.fact.fingerprint === fact.fingerprint ? 'repeat' : 'conflict';
    }
    kept.push({ lane, fact });
    return 'new';
  };
}
