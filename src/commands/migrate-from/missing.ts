import type { Comparison } from './compare.ts';
import type { CopyDeps } from './copy.ts';
import { dayMs } from './counts.ts';
import type { Reporter } from './reporter.ts';
import { toMillisSql, toRowsSql, toSourceRow } from './rows.ts';
import { readTraces } from './target.ts';

/** Differences that are looked into, rows that are asked for in each, and ids that are shown. */
const most = { differences: 3, rows: 20_000, ids: 5 } as const;

/** Where Tallygate has less than the table: which rows, and what became of them. */
export async function nameMissing(
  { differences, before }: Comparison,
  { source, selection, places, courier, statementMs }: CopyDeps,
  reporter: Reporter,
): Promise<string[]> {
  if (!places) return [];
  const { table } = selection;
  const lines: string[] = [];
  const missing = differences.filter(
    ({ day, ...counts }) => day !== null && counts.tallygate < counts.table - counts.rejected,
  );
  for (const { day, event } of missing.slice(0, most.differences)) {
    const from = (day as number) * dayMs;
    const millis = toMillisSql(places.time);
    const conditions = [
      `${millis} >= ${from}`,
      `${millis} < ${Math.min(from + dayMs, before)}`,
      `(${places.event}) = $1`,
    ];
    const sql = toRowsSql(selection, `${conditions.join(' AND ')} LIMIT ${most.rows}`);
    const options = { doing: `to read ${table.name}`, timeoutMs: statementMs * 60, whole: true };
    const ids = await source.read(options, async (snapshot) => {
      const found: string[] = [];
      for await (const part of snapshot.stream(sql, [event])) {
        for (const cells of part) {
          const id = courier.messageId(toSourceRow(cells, table));
          if (id !== undefined) found.push(id);
        }
      }
      return found;
    });
    const lost = (await readTraces(reporter, ids)).filter(({ state }) => state !== 'STORED').slice(0, most.ids);
    const shown = lost.map(({ messageId, state }) => `${messageId} (${state})`).join(', ');
    const when = new Date(from).toISOString().slice(0, 10);
    if (shown !== '') lines.push(`  missing of ${when} ${event}: ${shown}`);
  }
  return lines;
}
