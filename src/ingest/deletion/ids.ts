import type { Warehouse } from '../../ports/warehouse.ts';
import type { Deletion } from './records.ts';

/** Ids of one statement: they travel as a parameter. */
const chunk = 2000;
const options = (project: string) =>
  ({ label: 'deletion-ids', lane: 'sink', project, limits: { seconds: 600, resultRows: 10_000_000 } }) as const;

const ofSnapshot = `project = {project:String}
  AND toInt64(log_offset) <= transform(log_stream, {streams:Array(UInt32)}, {offsets:Array(Int64)}, toInt64(-1))`;
const firstEdges = 'ORDER BY project, child, received_at, message_id, parent LIMIT 1 BY child';
/** Numbers as text: those beyond 2^53 are none that a parameter can be. */
const wanted = '(SELECT toUInt64(arrayJoin({ids:Array(String)})))';
const known = "sipHash64(concat('u', user_id)) = {known:UInt64}";

/**
 * Hashes of all ids that are the person as of the deletion's positions: as src/reports/identity/identity.ts has it. An id's first
 * edge leads to its parent; who hangs together by first edges is one person, and a loop that has to be broken somewhere
 * changes nothing about that. Whose the id is, is what Query.person says.
 */
export async function resolveIds(warehouse: Warehouse, { project, vector, asked }: Deletion): Promise<string[]> {
  const scope = { project, streams: [...vector.keys()], offsets: [...vector.values()] };
  const { rows: owners } = await warehouse.query<{ person: string }>(
    {
      sql: `SELECT person FROM events WHERE ${ofSnapshot} AND (${known} OR sipHash64(concat('a', anonymous_id)) = {anonymous:UInt64})
            ORDER BY multiIf(${known}, 0, user_id = '', 1, 2), toUnixTimestamp64Milli(time), message_id LIMIT 1`,
      params: { ...scope, known: asked[0], anonymous: asked[1] },
    },
    options(project),
  );
  // No event has the id: it is nobody's but its own, whoever says so in an alias. Dead letters may have it.
  if (owners.length === 0) return [...asked];
  let frontier = owners.map(({ person }) => person);
  const ids = new Set(frontier);
  while (frontier.length > 0) {
    const found = new Set<string>();
    for (let i = 0; i < frontier.length; i += chunk) {
      const params = { ...scope, ids: frontier.slice(i, i + chunk) };
      const { rows } = await warehouse.query<{ child: string; parent: string }>(
        {
          sql: `SELECT child, parent FROM (
                  SELECT child, parent FROM identity_edges WHERE ${ofSnapshot} AND (child IN ${wanted}
                    OR child IN (SELECT child FROM identity_edges WHERE ${ofSnapshot} AND parent IN ${wanted})) ${firstEdges})
                WHERE child IN ${wanted} OR parent IN ${wanted}`,
          params,
        },
        options(project),
      );
      for (const { child, parent } of rows) for (const id of [child, parent]) if (!ids.has(id)) found.add(id);
    }
    for (const id of found) ids.add(id);
    frontier = [...found];
  }
  return [...ids].sort();
}
