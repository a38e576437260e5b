import { setTimeout as sleep } from 'node:timers/promises';
import { createChdbConnection } from 'chdb/connection';
import { createReports } from '../../../src/reports/reports.ts';
import { openLog, openWarehouse } from '../../../src/roles/backends.ts';
import { forgetfulCache } from '../../contract/forgetful-cache.ts';
import { reportCases, toRoundRange } from '../report-cases.ts';
import { project, streams } from '../report-events.ts';
import { serveJobs } from '../worker.ts';
import { createPeakReader } from './engine-peak.ts';
import { fillWarehouse } from './reports-data.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';
import { untilKnown } from './until-known.ts';

/** The first job makes the table; each later one asks one question in one way. */
export interface ReportJob {
  readonly events: number;
  readonly place: number;
  readonly round: number;
  readonly by: 'product' | 'hand';
  /** Watch the memory of the engine's statements, which costs a little time. */
  readonly watch: boolean;
  /** Before, it is asked again and again for so long, of other ranges. */
  readonly warmingMs: number;
}

export interface Asked {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rowsRead: number;
  /** 0 when it was not watched. */
  readonly peakBytes: number;
  /** Why there is no answer. */
  readonly refused: string | null;
  /** Equal texts for equal answers. */
  readonly answer: string;
}

/** Equal cells are shared for a second, and some reports ask for whole weeks in every round. */
const unsharedMs = 1100;
/** The first of them, far behind those that count. */
const firstWarmingRound = 10_000;

let opened: Promise<Awaited<ReturnType<typeof open>>> | null = null;

async function open(events: number) {
  const config = toConfig();
  const telemetry = quietTelemetry();
  const warehouse = await openWarehouse(config, telemetry);
  await warehouse.migrate();
  const path = `${config.DATA_DIR}/warehouse`;
  const engine = createChdbConnection({ path });
  await engine.command({ query: `USE ${config.CLICKHOUSE_DATABASE}` });
  await fillWarehouse(warehouse, engine, events);
  // Empty, and no part of the answers: they are of what the ledger has.
  const log = await openLog(config, telemetry);
  await untilKnown(() => log.partitions());
  let rowsRead = 0;
  let running = 0;
  const counting: typeof warehouse = {
    ...warehouse,
    async query(statement, options) {
      running++;
      try {
        const result = await warehouse.query<never>(statement, options);
        rowsRead += result.rowsRead;
        return result;
      } finally {
        running--;
      }
    },
  };
  const reports = createReports({ log, warehouse: counting, cache: forgetfulCache, ...telemetry });
  // What a process learns once: the ledger, names of events and properties, and how many merges there are.
  await reportCases[1]?.ask(reports.begin(project, new AbortController().signal), { ...toRoundRange(1000), ends: [] });
  while (running > 0) await sleep(20);
  return {
    warehouse: counting,
    reports,
    peak: createPeakReader(engine),
    takeRowsRead: () => {
      const read = rowsRead;
      rowsRead = 0;
      return read;
    },
  };
}

serveJobs<ReportJob, Asked>(async ({ events, place, round, by, watch, warmingMs }) => {
  opened ??= open(events);
  const { warehouse, reports, peak, takeRowsRead } = await opened;
  const question = reportCases[place];
  if (!question) return { seconds: 0, cpuSeconds: 0, rowsRead: 0, peakBytes: 0, refused: null, answer: '' };
  const run = async (round: number) => {
    const scope = { ...toRoundRange(round), ends: new Array<number>(streams).fill(events - 1) };
    if (by === 'product') return question.ask(reports.begin(project, new AbortController().signal), scope);
    const limits = { resultRows: 1_000_000 };
    const { rows } = await warehouse.query<Record<string, unknown>>(
      { sql: question.sql(scope) },
      { label: 'bench', project, limits },
    );
    return question.toAnswer(rows);
  };
  const until = performance.now() + warmingMs;
  for (let more = firstWarmingRound; performance.now() < until; more++) await run(more);
  // Both after the same pause: what has just run finds the processor's caches warm.
  await sleep(unsharedMs);
  takeRowsRead();
  const stopPeak = watch ? peak() : null;
  const cpu = process.cpuUsage();
  const started = performance.now();
  const { answer, refused } = await run(round).then(
    (found) => ({ answer: toText(found), refused: null }),
    (thrown: Error) => ({ answer: '', refused: thrown.message }),
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const peakBytes = stopPeak ? await stopPeak() : 0;
  const read = takeRowsRead();
  if (read === 0 && refused === null) throw new Error(`${question.name}: expected an answer that was computed`);
  return { seconds, cpuSeconds: (user + system) / 1e6, rowsRead: read, peakBytes, refused, answer };
});

function toText(answer: unknown): string {
  return JSON.stringify(answer, (_, of) =>
    typeof of === 'number' && !Number.isInteger(of) ? Number(of.toPrecision(9)) : of,
  );
}
