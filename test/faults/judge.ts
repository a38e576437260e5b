import { toStreamOf } from '../../src/events/position.ts';
import type { Ask } from './ask-engine.ts';
import { type History, toKey } from './history.ts';

/** The end of each partition of the log, by the epoch that its offsets count in. */
export interface LogEnds {
  readonly epoch: number;
  readonly ends: readonly number[];
}

export interface Verdict {
  readonly acknowledged: number;
  /** Rows of `events`. */
  readonly stored: number;
  /** Acknowledged and nowhere. */
  readonly lost: readonly string[];
  /** Stored, or set aside, more than once. */
  readonly twice: readonly string[];
  /** Stored, but never sent, or refused for good. */
  readonly phantom: readonly string[];
  /** Never acknowledged; each may be there once, or not. */
  readonly unknown: number;
  readonly unknownStored: number;
  /** What else does not add up: positions, ledger, rollup. */
  readonly problems: readonly string[];
}

export function isSound({ lost, twice, phantom, problems }: Verdict): boolean {
  return lost.length + twice.length + phantom.length + problems.length === 0;
}

export interface JudgeOptions {
  readonly ask: Ask;
  readonly history: History;
  /** Each log that the warehouse has been fed from. */
  readonly logs: readonly LogEnds[];
}

/** Compares what clients know with what is stored; to be asked when nothing is under way any more. */
export async function judge({ ask, history, logs }: JudgeOptions): Promise<Verdict> {
  const events = await readCounts(ask, 'events');
  const deadLetters = await readCounts(ask, "dead_letters WHERE project != ''");
  const lost: string[] = [];
  const phantom: string[] = [];
  let unknown = 0;
  let unknownStored = 0;
  for (const [key, { acknowledged, deadLettered, unknown: isUnknown }] of history.all) {
    const isStored = events.has(key) || deadLetters.has(key);
    if ((acknowledged && !events.has(key)) || (deadLettered && !isStored)) lost.push(key);
    if (isUnknown && !acknowledged && !deadLettered) {
      unknown++;
      if (isStored) unknownStored++;
    }
    if (isStored && !acknowledged && !deadLettered && !isUnknown) phantom.push(key);
  }
  for (const key of [...events.keys(), ...deadLetters.keys()]) if (!history.all.has(key)) phantom.push(key);
  const twice = [...events].filter(([key, count]) => count > 1 || deadLetters.has(key)).map(([key]) => key);
  for (const [key, count] of deadLetters) if (count > 1) twice.push(key);
  return {
    acknowledged: history.acknowledged,
    stored: [...events.values()].reduce((sum, count) => sum + count, 0),
    lost,
    twice,
    phantom,
    unknown,
    unknownStored,
    problems: [...(await judgePositions(ask, logs)), ...(await judgeLedger(ask, logs)), ...(await judgeRollup(ask))],
  };
}

async function readCounts(ask: Ask, from: string): Promise<Map<string, number>> {
  const rows = await ask<[string, string, string]>(
    `SELECT project, message_id, count() FROM ${from} GROUP BY project, message_id`,
  );
  return new Map(rows.map(([project, id, count]) => [toKey(project, id), Number(count)]));
}

/** Every position of the log is in exactly one table, and no table has another one. */
async function judgePositions(ask: Ask, logs: readonly LogEnds[]): Promise<string[]> {
  const rows = await ask<[number, string, string, string]>(
    `SELECT log_stream, count(), uniqExact(log_offset), max(log_offset) FROM (
       SELECT log_stream, log_offset FROM events UNION ALL
       SELECT log_stream, log_offset FROM dead_letters UNION ALL
       SELECT log_stream, log_offset FROM repeats) GROUP BY log_stream`,
  );
  const problems: string[] = [];
  const found = new Map(rows.map(([stream, ...numbers]) => [stream, numbers.map(Number) as [number, number, number]]));
  for (const [stream, end] of toStreamEnds(logs)) {
    const [count, different, last] = found.get(stream) ?? [0, 0, -1];
    found.delete(stream);
    if (count !== end || different !== end || last !== end - 1)
      problems.push(
        `stream ${stream}: expected positions 0 to ${end - 1} once each, got ${count} rows of ${different} positions up to ${last}`,
      );
  }
  for (const stream of found.keys()) problems.push(`stream ${stream}: positions of no log that there was`);
  return problems;
}

/** Completed ranges lie side by side from the log's beginning to its end, and their tallies are those of the tables. */
async function judgeLedger(ask: Ask, logs: readonly LogEnds[]): Promise<string[]> {
  const problems: string[] = [];
  const ranges = await ask<[number, string, string]>(
    `SELECT DISTINCT log_stream, first_offset, last_offset FROM ledger WHERE phase = 'completed'
     ORDER BY log_stream, first_offset, last_offset`,
  );
  for (const [stream, end] of toStreamEnds(logs)) {
    let next = 0;
    for (const [, first, last] of ranges.filter(([of]) => of === stream)) {
      if (Number(first) !== next)
        problems.push(`stream ${stream}: expected a completed range from ${next}, got ${first} to ${last}`);
      next = Number(last) + 1;
    }
    if (next !== end) problems.push(`stream ${stream}: completed up to ${next}, but the log ends before ${end}`);
  }
  for (const [stream, first, last, project, key, count] of await ask<[number, string, string, string, string, string]>(
    `SELECT log_stream, first_offset, last_offset, project, key_id, count() FROM ledger WHERE phase = 'completed'
     GROUP BY ALL HAVING count() > 1`,
  ))
    problems.push(`ledger: ${count} rows for ${first} to ${last} of stream ${stream}, project ${project}, key ${key}`);
  const tables = { stored: 'events', deduplicated: 'repeats', dead_lettered: 'dead_letters' };
  for (const [column, table] of Object.entries(tables)) {
    const differences = await ask<[string, string, string, string]>(
      `SELECT project, key_id, sum(told) AS told, sum(found) AS found FROM (
         SELECT project, key_id, toInt64(${column}) AS told, 0 AS found FROM ledger WHERE phase IN ('completed', 'corrected')
         UNION ALL SELECT project, key_id, 0, 1 FROM ${table}) GROUP BY project, key_id HAVING told != found`,
    );
    for (const [project, key, told, isThere] of differences)
      problems.push(`ledger: ${column} of project ${project}, key ${key}: told ${told}, there are ${isThere}`);
  }
  return problems;
}

/** The rollup, fed by a materialized view, has counted what the table has. */
async function judgeRollup(ask: Ask): Promise<string[]> {
  const differences = await ask<[string, string, number, string, string]>(
    `SELECT project, event, hour, sum(told) AS told, sum(found) AS found FROM (
       SELECT project, event, hour, events AS told, 0 AS found FROM rollup_hourly
       UNION ALL SELECT project, event, toInt32(floor(toUnixTimestamp64Milli(time) / 3600000)), 0, 1 FROM events)
     GROUP BY project, event, hour HAVING told != found`,
  );
  return differences.map(
    ([project, event, hour, told, found]) =>
      `rollup: ${event} of project ${project} in hour ${hour}: counted ${told}, there are ${found}`,
  );
}

function toStreamEnds(logs: readonly LogEnds[]): [number, number][] {
  return logs.flatMap(({ epoch, ends }) =>
    ends.map((end, partition): [number, number] => [toStreamOf(epoch, partition), end]),
  );
}
