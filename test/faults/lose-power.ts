import { existsSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { database } from './ask-engine.ts';
import type { Random } from './random.ts';

const tables = ['events', 'ledger', 'dead_letters', 'repeats', 'rollup_hourly', 'identity_edges'];
/** partition_firstBlock_lastBlock_level */
const partName = /^[a-z0-9]+_(\d+)_(\d+)_(\d+)$/;

/**
 * Takes from the tables of a warehouse folder, whose engine must not run, some of the newest parts: each is removed, or its
 * data is cut in half, which the engine finds at its start. The engine's memory of insert tokens stays. Resolves with
 * what was done.
 */
export function losePower(dataDir: string, random: Random): string[] {
  const done: string[] = [];
  for (const table of tables) {
    const folder = join(dataDir, 'warehouse/data', database, table);
    if (!existsSync(folder)) throw new Error(`expected the folder of table ${table} at ${folder}`);
    const parts = readdirSync(folder)
      .flatMap((name) => {
        const blocks = partName.exec(name);
        return blocks ? [{ name, last: Number(blocks[2]) }] : [];
      })
      .sort((a, b) => b.last - a.last);
    for (const { name } of parts.slice(0, random.below(4))) {
      const part = join(folder, name);
      const data = ['data.bin', 'count.txt'].map((file) => join(part, file)).find(existsSync);
      if (random.chance(0.3) && data) truncateSync(data, statSync(data).size >> 1);
      else rmSync(part, { recursive: true });
      done.push(`${table} ${name}`);
    }
  }
  return done;
}
