import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { TallygateError } from '../../errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { CorrectableWarehouse } from '../../ports/warehouse.ts';
import { isEmbedded, openLog, openWarehouse, type Telemetry } from '../../roles/backends.ts';

export interface OpenStore extends Telemetry {
  readonly log: EventLog;
  readonly warehouse: CorrectableWarehouse;
  /** See KAFKA_GROUP. */
  readonly group: string;
  /** See DEDUP_WINDOW_HOURS. */
  readonly windowHours: number;
  close(): Promise<void>;
}

/** What a command on a store is given; the exit code goes to `onExitCode`. */
export interface StoreCommandDeps {
  readonly openStore: () => Promise<OpenStore>;
  readonly onExitCode: (code: number) => void;
  /** Aborted when the process was asked to stop. */
  readonly signal?: AbortSignal;
  readonly stdout?: { write(text: string): unknown };
  readonly stderr?: { write(text: string): unknown };
}

const patienceMs = 30_000;
/** Reports have a bound of their own; these statements go through all there is. */
const statementSeconds = 600;

/** Log and warehouse as they are: nothing is made but, with the engine in this process, tables that a new version brings. */
export async function openStore(config: Config, telemetry: Telemetry): Promise<OpenStore> {
  const embedded = isEmbedded(config);
  for (const [part, is] of [
    ['log', embedded.log],
    ['warehouse', embedded.warehouse],
  ] as const)
    if (is && !existsSync(join(config.DATA_DIR, part)))
      throw new TallygateError('CONFIG_INVALID', `expected a store in DATA_DIR, ${config.DATA_DIR}; there is none`);
  const log = await openLog({ ...config, MIGRATE_AT_START: false }, telemetry).catch(asInUse);
  try {
    const warehouse = await openWarehouse({ ...config, QUERY_SECONDS: statementSeconds }, telemetry);
    if (embedded.warehouse) await warehouse.migrate();
    await untilKnown(log);
    return {
      ...telemetry,
      log,
      warehouse,
      group: config.KAFKA_GROUP,
      windowHours: config.DEDUP_WINDOW_HOURS,
      async close() {
        await log.close();
        await warehouse.close();
      },
    };
  } catch (thrown) {
    await log.close();
    return asInUse(thrown);
  }
}

function asInUse(thrown: unknown): never {
  if (!(thrown instanceof TallygateError) || thrown.code !== 'STORE_IN_USE') throw thrown;
  throw new TallygateError(
    'STORE_IN_USE',
    `a running process has this store, and an embedded one belongs to one process at a time: stop it first. ${thrown.message}`,
    { cause: thrown },
  );
}

/** The brokers are asked in the background. */
async function untilKnown(log: EventLog): Promise<void> {
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      log.partitions();
      await log.inspect();
      return;
    } catch (thrown) {
      if (Date.now() > until) throw thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
