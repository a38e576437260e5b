import type { Stream } from '../../events/position.ts';
import { toStreamParts } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { OffsetRange } from '../ledger.ts';
import { inRange } from '../stream-range.ts';
import { type AuditFinding, toOffsetRanges, toReplay } from './finding.ts';
import { type LedgerEntry, type LedgerRange, readCorrections } from './ledger-pages.ts';

/** Positions that are read one by one at a time, where a range does not add up. */
const drillPositions = 20_000;

interface Held {
  stored: number;
  deduplicated: number;
  deadLettered: number;
  deleted: number;
}

const tables = [
  ['events', 'stored'],
  ['repeats', 'deduplicated'],
  ['dead_letters', 'deadLettered'],
  ['tombstones', 'deleted'],
] as const;
const options = { label: 'verify', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } } as const;

/** Every position of these completed ranges is in exactly one table, and the ledger's counts are those of the tables. */
export async function checkTables(
  warehouse: Warehouse,
  stream: Stream,
  ranges: readonly LedgerRange[],
): Promise<AuditFinding[]> {
  const block = { first: Math.min(...ranges.map(({ first }) => first)), last: ranges.at(-1)!.last };
  const rangeOf = createRangeOf(ranges);
  const expected = new Map<OffsetRange, Map<string, Held>>();
  const add = (
    to: Map<OffsetRange, Map<string, Held>>,
    range: OffsetRange | undefined,
    entry: Omit<LedgerEntry, 'dropped'>,
  ) => {
    if (!range) return;
    const names = to.get(range) ?? new Map<string, Held>();
    to.set(range, names);
    const name = `${entry.project} ${entry.keyId}`;
    const held = names.get(name) ?? { stored: 0, deduplicated: 0, deadLettered: 0, deleted: 0 };
    held.stored += entry.stored;
    held.deduplicated += entry.deduplicated;
    held.deadLettered += entry.deadLettered;
    held.deleted += entry.deleted;
    names.set(name, held);
  };
  for (const range of ranges) for (const entry of range.entries) add(expected, range, entry);
  for (const { first, entry } of await readCorrections(warehouse, stream, block)) add(expected, rangeOf(first), entry);

  const got = new Map<OffsetRange, Map<string, Held>>();
  for (const { begin, ...entry } of await readTallies(warehouse, stream, block, toBounds(ranges)))
    add(got, rangeOf(begin), entry);
  const positions = await readPositions(warehouse, stream, block, toBounds(ranges));

  const findings: AuditFinding[] = [];
  const parts = toStreamParts(stream);
  for (const range of ranges) {
    const length = range.last - range.first + 1;
    const dropped = range.entries.reduce((sum, entry) => sum + entry.dropped, 0);
    const { rows, distinct } = positions.get(range.first) ?? { rows: 0, distinct: 0 };
    const wanted = toSum(expected.get(range));
    const found = toSum(got.get(range));
    if (rows === length - dropped && distinct === rows) {
      findings.push(...toTallyFindings(parts, range, expected.get(range), got.get(range)));
      continue;
    }
    const texts = { stream: parts, expected: toText(wanted), got: toText(found) };
    if (rows === 0) {
      const { first, last } = range;
      findings.push({
        kind: 'MISSING',
        stream: parts,
        first,
        last,
        expected: 'a row in one of the tables for each position',
        got: 'none',
        todo: toReplay(parts, range),
      });
      continue;
    }
    const { missing, doubled } = await readExactly(warehouse, stream, range);
    // Of a range with positions that the log had lost, the tables cannot say which these were.
    if (missing.length > dropped)
      for (const lost of toOffsetRanges(missing))
        findings.push({ kind: 'MISSING', ...lost, ...texts, todo: toReplay(parts, lost) });
    for (const twice of toOffsetRanges(doubled))
      findings.push({
        kind: 'DOUBLED',
        ...twice,
        ...texts,
        todo: `tallygate dedupe --from ${parts.partition}:${twice.first} --to ${parts.partition}:${twice.last}${parts.lane === 1 ? ' --lane history' : ''}`,
      });
  }
  return findings;
}

/** Beginnings of the ranges, and of the gaps between them, so that no row of a gap is counted for the range before it. */
function toBounds(ranges: readonly LedgerRange[]): number[] {
  const bounds = new Set<number>();
  for (const { first, last } of ranges) bounds.add(first).add(last + 1);
  return [...bounds].sort((a, b) => a - b);
}

function createRangeOf(ranges: readonly LedgerRange[]): (offset: number) => LedgerRange | undefined {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  return (offset) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.first <= offset) low = middle + 1;
      else high = middle;
    }
    const range = sorted[low - 1];
    return range && offset <= range.last ? range : undefined;
  };
}

async function readTallies(warehouse: Warehouse, stream: Stream, block: OffsetRange, bounds: readonly number[]) {
  const parts = tables.map(
    ([table], i) =>
      `SELECT roundDown(log_offset, {bounds:Array(UInt64)}) AS begin, project, key_id, ${tables.map((_, at) => `${at === i ? 'count()' : '0'} AS c${at}`).join(', ')}
       FROM ${table} WHERE ${inRange} GROUP BY begin, project, key_id`,
  );
  const { rows } = await warehouse.query<Record<string, string>>(
    {
      sql: `SELECT begin, project, key_id, sum(c0) AS stored, sum(c1) AS deduplicated, sum(c2) AS dead_lettered, sum(c3) AS deleted
            FROM (${parts.join(' UNION ALL ')}) GROUP BY begin, project, key_id`,
      params: { stream, ...block, bounds },
    },
    options,
  );
  return rows.map((row) => ({
    begin: Number(row.begin),
    project: row.project as string,
    keyId: row.key_id as string,
    stored: Number(row.stored),
    deduplicated: Number(row.deduplicated),
    deadLettered: Number(row.dead_lettered),
    deleted: Number(row.deleted),
  }));
}

async function readPositions(warehouse: Warehouse, stream: Stream, block: OffsetRange, bounds: readonly number[]) {
  const { rows } = await warehouse.query<{ begin: string; rows: string; positions: string }>(
    {
      sql: `SELECT roundDown(log_offset, {bounds:Array(UInt64)}) AS begin, count() AS rows, uniqExact(log_offset) AS positions
            FROM (${tables.map(([table]) => `SELECT log_offset FROM ${table} WHERE ${inRange}`).join(' UNION ALL ')}) GROUP BY begin`,
      params: { stream, ...block, bounds },
    },
    options,
  );
  return new Map(
    rows.map((row) => [Number(row.begin), { rows: Number(row.rows), distinct: Number(row.positions) }] as const),
  );
}

/** Which positions of a range have no row, and which have more than one. */
async function readExactly(warehouse: Warehouse, stream: Stream, range: OffsetRange) {
  const missing: number[] = [];
  const doubled: number[] = [];
  for (let first = range.first; first <= range.last; first += drillPositions) {
    const last = Math.min(first + drillPositions - 1, range.last);
    const { rows } = await warehouse.query<{ log_offset: string; n: string }>(
      {
        sql: `SELECT log_offset, count() AS n FROM (${tables.map(([table]) => `SELECT log_offset FROM ${table} WHERE ${inRange}`).join(' UNION ALL ')})
              GROUP BY log_offset ORDER BY log_offset`,
        params: { stream, first, last },
      },
      options,
    );
    let next = first;
    for (const row of rows) {
      const offset = Number(row.log_offset);
      for (; next < offset; next++) missing.push(next);
      if (Number(row.n) > 1) doubled.push(offset);
      next = offset + 1;
    }
    for (; next <= last; next++) missing.push(next);
  }
  return { missing, doubled };
}

function toTallyFindings(
  stream: AuditFinding['stream'],
  { first, last }: OffsetRange,
  expected: ReadonlyMap<string, Held> = new Map(),
  got: ReadonlyMap<string, Held> = new Map(),
): AuditFinding[] {
  const nothing: Held = { stored: 0, deduplicated: 0, deadLettered: 0, deleted: 0 };
  return [...new Set([...expected.keys(), ...got.keys()])].flatMap((name): AuditFinding[] => {
    const wanted = toText(expected.get(name) ?? nothing);
    const found = toText(got.get(name) ?? nothing);
    if (wanted === found) return [];
    const [project, key] = name.split(' ');
    const whose = ` of project ${project === '' ? 'unknown' : project}, key ${key === '' ? 'unknown' : key}`;
    return [
      {
        kind: 'TALLY',
        stream,
        first,
        last,
        expected: `${wanted}${whose}, as the ledger has it`,
        got: found,
        todo: 'every position is there once: if the tables were replayed after a tallygate dedupe, run that again; else somebody has moved rows',
      },
    ];
  });
}

function toSum(names: ReadonlyMap<string, Held> = new Map()): Held {
  const sum = { stored: 0, deduplicated: 0, deadLettered: 0, deleted: 0 };
  for (const held of names.values()) for (const [, field] of tables) sum[field] += held[field];
  return sum;
}

function toText({ stored, deduplicated, deadLettered, deleted }: Held): string {
  const held = `${stored} events, ${deduplicated} repeats, ${deadLettered} dead letters`;
  return deleted === 0 ? held : `${held}, ${deleted} deleted`;
}
