import type { Ask } from './ask-engine.ts';
import type { History } from './history.ts';
import type { Verdict } from './judge.ts';

/** Where the ids that are lost, twice or phantoms stand, some of each: what one wants to see first. */
export async function explain(ask: Ask, history: History, verdict: Verdict): Promise<string[]> {
  const lines: string[] = [];
  for (const what of ['lost', 'twice', 'phantom'] as const)
    for (const key of verdict[what].slice(0, 3)) {
      const sent = history.all.get(key);
      lines.push(`${what}: ${key}, as the client knows it: ${JSON.stringify(sent ?? null)}`);
      const id = sent?.id ?? key.slice(key.indexOf('/') + 1);
      for (const table of ['events', 'repeats', 'dead_letters']) {
        const rows = await ask<[string, number, string, string]>(
          `SELECT project, log_stream, log_offset, received_at FROM ${table} WHERE message_id = '${id.replaceAll(/['\\]/g, '\\$&')}'`,
        );
        for (const row of rows) lines.push(`  ${table}: ${row.join(' ')}`);
      }
    }
  return lines;
}
