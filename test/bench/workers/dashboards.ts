import { createChdbConnection } from 'chdb/connection';
import { type ExecutionResult, execute, parse } from 'graphql';
import type { Context } from '../../../resolvers/context.ts';
import { createSchema } from '../../../src/gateway/schema.ts';
import { createReports, type Reports } from '../../../src/reports/reports.ts';
import { openCache, openLog, openWarehouse } from '../../../src/roles/backends.ts';
import { forgetfulCache } from '../../contract/forgetful-cache.ts';
import { dashboards, reader, toDocument } from '../dashboard-tiles.ts';
import { toRoundRange } from '../report-cases.ts';
import { project, streams } from '../report-events.ts';
import { serveJobs } from '../worker.ts';
import { fillWarehouse } from './reports-data.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';
import { untilKnown } from './until-known.ts';

/**
 * One dashboard asked for once: by the product, with fusion or without, what is cached left aside; or by hand. warm: by the
 * product, of what is cached. same: so many operations at once that ask for the same trend, which nobody asked for before.
 */
export interface DashboardJob {
  readonly events: number;
  readonly place: number;
  readonly round: number;
  readonly by: 'fused' | 'unfused' | 'hand' | 'warm' | 'same';
}

export interface DashboardAsked {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Those that read the ledger for everybody are not counted. */
  readonly statements: number;
  readonly rowsRead: number;
  /** Equal texts for equal answers. */
  readonly answer: string;
}

const atOnce = 1000;
const schema = createSchema();
let opened: ReturnType<typeof open> | null = null;

async function open(events: number) {
  const config = toConfig();
  const telemetry = quietTelemetry();
  const warehouse = await openWarehouse(config, telemetry);
  await warehouse.migrate();
  const engine = createChdbConnection({ path: `${config.DATA_DIR}/warehouse` });
  await engine.command({ query: `USE ${config.CLICKHOUSE_DATABASE}` });
  await fillWarehouse(warehouse, engine, events);
  const log = await openLog(config, telemetry);
  await untilKnown(() => log.partitions());
  let counted = { statements: 0, rowsRead: 0 };
  const counting: typeof warehouse = {
    ...warehouse,
    async query(statement, options) {
      const result = await warehouse.query<never>(statement, options);
      if (options.lane !== 'ledger')
        counted = { statements: counted.statements + 1, rowsRead: counted.rowsRead + result.rowsRead };
      return result;
    },
  };
  const deps = { log, warehouse: counting, ...telemetry };
  return {
    warehouse: counting,
    fused: createReports({ ...deps, cache: forgetfulCache }),
    unfused: createReports({ ...deps, cache: forgetfulCache, fusion: false }),
    remembering: createReports({ ...deps, cache: openCache(config, telemetry) }),
    take() {
      const before = counted;
      counted = { statements: 0, rowsRead: 0 };
      return before;
    },
  };
}

/** As one operation through schema and resolvers. */
async function ask(reports: Reports, document: ReturnType<typeof parse>): Promise<Record<string, never>> {
  const begun = reports.begin(project, new AbortController().signal);
  const contextValue = { caller: reader, reports: () => begun } as unknown as Context;
  const { data, errors } = (await execute({ schema, document, contextValue })) as ExecutionResult;
  if (errors?.[0]) throw errors[0];
  return data as Record<string, never>;
}

serveJobs<DashboardJob, DashboardAsked>(async ({ events, place, round, by }) => {
  opened ??= open(events);
  const { warehouse, fused, unfused, remembering, take } = await opened;
  const dashboard = dashboards[place];
  if (!dashboard) return { seconds: 0, cpuSeconds: 0, statements: 0, rowsRead: 0, answer: '' };
  // No tile of one dashboard has been asked for by another.
  const scope = { ...toRoundRange(round + place * 100), ends: new Array<number>(streams).fill(events - 1) };
  const document = parse(toDocument(dashboard, scope));
  const askOne = async (reports: Reports) => {
    const data = await ask(reports, document);
    return () => dashboard.tiles.map(({ toAnswer }, i) => toAnswer(data[`t${i}`] as never));
  };
  const run = async () => {
    if (by === 'fused') return askOne(fused);
    if (by === 'warm') return askOne(remembering);
    if (by === 'unfused') return askOne(unfused);
    if (by === 'hand') {
      const results = await Promise.all(
        dashboard
          .sql(scope)
          .map((sql) =>
            warehouse.query<Record<string, unknown>>(
              { sql },
              { label: 'bench', project, limits: { resultRows: 1_000_000 } },
            ),
          ),
      );
      return () => dashboard.toAnswers(results.map(({ rows }) => rows));
    }
    const input = {
      range: { from: new Date(scope.from), to: new Date(scope.to) },
      series: [{ event: 'Product Viewed', measure: 'SUM', property: 'price' }],
    } as const;
    const answers = await Promise.all(
      Array.from({ length: atOnce }, () => remembering.begin(project, new AbortController().signal).trend(input)),
    );
    return () => [new Set(answers.map(({ series }) => JSON.stringify(series))).size];
  };
  take();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const toAnswers = await run();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const answer = JSON.stringify(toAnswers(), (_, of) =>
    typeof of === 'number' && !Number.isInteger(of) ? Number(of.toPrecision(9)) : of,
  );
  return { seconds, cpuSeconds: (user + system) / 1e6, ...take(), answer };
});
