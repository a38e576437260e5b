import { createChdbConnection } from 'chdb/connection';
import { openLog, openWarehouse } from '../../../src/roles/backends.ts';
import { fillWarehouse } from './reports-data.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';
import { untilKnown } from './until-known.ts';

export interface Counts {
  /** Those that read the ledger, or the names of events, for everybody are not counted. */
  readonly statements: number;
  readonly rowsRead: number;
}

/** A warehouse that is full of so many events and counts what it is asked, and what reports need beside it. */
export async function openCounted(events: number) {
  const config = toConfig();
  const telemetry = quietTelemetry();
  const warehouse = await openWarehouse(config, telemetry);
  await warehouse.migrate();
  const engine = createChdbConnection({ path: `${config.DATA_DIR}/warehouse` });
  await engine.command({ query: `USE ${config.CLICKHOUSE_DATABASE}` });
  await fillWarehouse(warehouse, engine, events);
  const log = await openLog(config, telemetry);
  await untilKnown(() => log.partitions());
  const { counting, take } = countStatements(warehouse);
  return { config, telemetry, engine, warehouse: counting, deps: { log, warehouse: counting, ...telemetry }, take };
}

/** `take`: what was asked since it was called before. */
export function countStatements<Asked extends Awaited<ReturnType<typeof openWarehouse>>>(warehouse: Asked) {
  let counts: Counts = { statements: 0, rowsRead: 0 };
  const counting: Asked = {
    ...warehouse,
    async query(statement, options) {
      const result = await warehouse.query<never>(statement, options);
      if (options.lane !== 'ledger' && options.label !== 'names')
        counts = { statements: counts.statements + 1, rowsRead: counts.rowsRead + result.rowsRead };
      return result;
    },
  };
  const take = (): Counts => {
    const before = counts;
    counts = { statements: 0, rowsRead: 0 };
    return before;
  };
  return { counting, take };
}

/** What an answer took: seconds of time and of this process's CPU. */
export async function measure<Answer>(run: () => Promise<Answer>) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const answer = await run();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { answer, seconds, cpuSeconds: (user + system) / 1e6 };
}

/** Equal texts for equal answers. */
export function toText(answer: unknown): string {
  return JSON.stringify(answer, (_, of) =>
    typeof of === 'number' && !Number.isInteger(of) ? Number(of.toPrecision(9)) : of,
  );
}
