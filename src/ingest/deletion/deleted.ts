import { readRecord } from '../../events/record.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { toBytes } from '../place.ts';
import { toVector } from './records.ts';

/** Bytes of ids in one statement: they travel as a parameter, in which quotes and backslashes stand twice. */
const mostBytes = 60_000;
const options = { label: 'deletions', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } } as const;

interface Suspect {
  readonly offset: number;
  /** Of the person, as the column events.person hashes it. */
  readonly text: string;
}

/**
 * Of records that are to be stored again: those whose person was deleted since, and by which deletion. A record that is
 * read from the log once more must not bring back what was deleted, whatever the tables have lost meanwhile.
 */
export async function readDeleted(
  warehouse: Warehouse,
  stream: number,
  records: readonly LogRecord[],
): Promise<ReadonlyMap<number, string>> {
  const deleted = new Map<number, string>();
  const first = records[0]?.offset;
  if (first === undefined) return deleted;
  const { rows } = await warehouse.query<{ id: string; project: string; streams: number[]; offsets: string[] }>(
    {
      sql: "SELECT id, project, streams, offsets FROM deletions WHERE state = 'running' AND has(streams, {stream:UInt32}) ORDER BY requested_at, id",
      params: { stream },
    },
    options,
  );
  const ends = new Map(rows.map(({ id, streams, offsets }) => [id, toVector(streams, offsets).get(stream) as number]));
  const within = rows.filter(({ id }) => ends.get(id)! >= first);
  for (const project of new Set(within.map((row) => row.project))) {
    const own = within.filter((row) => row.project === project).map(({ id }) => id);
    const last = Math.max(...own.map((id) => ends.get(id)!));
    for (const some of toChunks(readSuspects(records, project, last))) {
      const { rows: found } = await warehouse.query<{ text: string; id: string }>(
        {
          sql: `SELECT text, id FROM (SELECT DISTINCT arrayJoin({texts:Array(String)}) AS text, sipHash64(text) AS hash) AS t
                INNER JOIN (SELECT id, arrayJoin(ids) AS hash FROM deletions WHERE state = 'running' AND id IN {own:Array(String)}) AS d ON t.hash = d.hash`,
          params: { texts: [...new Set(some.map(({ text }) => text))], own },
        },
        options,
      );
      const byText = Map.groupBy(found, ({ text }) => text);
      for (const { offset, text } of some) {
        const ids = new Set(byText.get(text)?.map(({ id }) => id));
        const deletion = own.find((id) => ids.has(id) && offset <= ends.get(id)!);
        if (deletion !== undefined) deleted.set(offset, deletion);
      }
    }
  }
  return deleted;
}

function* readSuspects(records: readonly LogRecord[], project: string, last: number): Iterable<Suspect> {
  for (const record of records) {
    if (record.offset > last) continue;
    if (readRecord(record.bytes, record.start, record.end)?.project !== project) continue;
    const { user_id: known, anonymous_id: anonymous } = parse(toBytes(record).toString('utf8'));
    const text = typeof known === 'string' && known !== '' ? `u${known}` : `a${String(anonymous ?? '')}`;
    yield { offset: record.offset, text };
  }
}

function parse(text: string): { readonly user_id?: unknown; readonly anonymous_id?: unknown } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function* toChunks(suspects: Iterable<Suspect>): Iterable<readonly Suspect[]> {
  let some: Suspect[] = [];
  let bytes = 0;
  for (const suspect of suspects) {
    const more = Buffer.byteLength(suspect.text) + 3;
    if (bytes + more > mostBytes) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(suspect);
    bytes += more;
  }
  if (some.length > 0) yield some;
}
