import type { Config } from '../config.ts';
import { TallygateError } from '../errors.ts';
import { readEpoch } from '../ingest/ledger.ts';
import { openLog, openWarehouse, type Telemetry, untilKnown } from '../roles/backends.ts';

const patienceMs = 20_000;

/** `tallygate migrate`: makes what is missing of tables and topics, and says what it did. */
export async function runMigrate(
  config: Config,
  telemetry: Telemetry,
  options: { newEpoch?: boolean },
  print: (line: string) => void,
): Promise<void> {
  const warehouse = await openWarehouse(config, telemetry);
  try {
    const applied = await warehouse.migrate();
    print(applied.length === 0 ? 'tables: nothing to do' : `tables: applied ${applied.join(', ')}`);
    if (options.newEpoch) {
      const epoch = (await readEpoch(warehouse)) + 1;
      await warehouse.insert(
        'log_epochs',
        Buffer.from(`${JSON.stringify({ epoch, reason: 'tallygate migrate --new-epoch' })}\n`),
        { token: `epoch:${epoch}` },
      );
      print(`epoch: positions of the log count as epoch ${epoch} from now on; restart gateways and sinks`);
    }
  } finally {
    await warehouse.close();
  }
  const log = await openLog({ ...config, MIGRATE_AT_START: true }, telemetry);
  try {
    // The topic is made in the background.
    const cause = await untilKnown(log, patienceMs);
    if (cause)
      throw new TallygateError('LOG_UNAVAILABLE', 'expected the log to answer within 20 s, it did not', { cause });
    print(`log: ${log.partitions()} partitions`);
  } finally {
    await log.close();
  }
}
