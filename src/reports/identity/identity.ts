import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { TallygateError } from '../../errors.ts';
import type { PositionVector } from '../../events/position.ts';
import type { Statement, Warehouse } from '../../ports/warehouse.ts';
import type { Versions } from '../moment/versions.ts';
import { allTime, countsPersons, type Plan, toScope, toSelect } from '../plan.ts';
import { allOf, always, type Sql, sql, toStatement, value } from '../sql.ts';

/**
 * Who is who as of a snapshot. Of the edges from an id that the snapshot has, the first by (received_at, message_id) leads to
 * its parent; a loop is broken at its youngest edge; the person is the id at the end. See docs/decisions/0014-first-edge-wins.md.
 */
export interface Identity {
  /** Names the edges; '' when there are none. */
  readonly version: string;
  /** Edges whose parent has a parent: no chain of edges is longer by more than one. */
  readonly chained: number;
  /** Ids whose edge would close a loop, as they stand in `child`. */
  readonly broken: readonly string[];
}

export interface Identities {
  asOf(project: string, snapshot: PositionVector, signal: AbortSignal): Promise<Identity>;
}

/** They travel as a parameter of every statement that counts persons. */
const mostBroken = 5000;
/** Projects and snapshots whose facts are kept: a few hundred bytes each, at most 200 KB. */
const mostKept = 500;

/** Nobody was merged. */
export const nobody: Identity = { version: '', chained: 0, broken: [] };

/** Reads what of the edges a statement has to know before it is written: little, and once for each version of them. */
export function createIdentities(warehouse: Warehouse, versions: Versions): Identities {
  const bySnapshot = new LRUCache<string, Promise<Identity>>({ max: mostKept });
  const byVersion = new LRUCache<string, Promise<Identity>>({ max: mostKept });
  const options = (project: string) =>
    ({ label: 'identity', project, lane: 'ledger', limits: { resultRows: 100_000 } }) as const;

  const readVersion = async (project: string, scope: Sql): Promise<string> => {
    const { rows } = await warehouse.query<{ log_stream: number; last: string }>(
      toStatement(
        sql`SELECT log_stream, max(log_offset) AS last FROM identity_edges WHERE ${scope} GROUP BY log_stream ORDER BY log_stream`,
      ),
      options(project),
    );
    if (rows.length === 0) return '';
    const lasts = rows.map(({ log_stream, last }) => [log_stream, last]);
    return hash('sha256', JSON.stringify(lasts), 'base64url').slice(0, 22);
  };

  const readShape = async (project: string, scope: Sql, version: string): Promise<Identity> => {
    const { rows: counts } = await warehouse.query<{ n: string }>(
      toStatement(
        sql`SELECT count() AS n FROM identity_edges WHERE ${scope} AND parent IN (SELECT child FROM identity_edges WHERE ${scope})`,
      ),
      options(project),
    );
    const chained = Number(counts[0]?.n ?? 0);
    if (chained === 0) return { version, chained, broken: [] };
    const { rows } = await warehouse.query<{ child: string }>(toStatement(toBroken(scope, chained)), options(project));
    if (rows.length > mostBroken) {
      throw new TallygateError(
        'QUERY_TOO_EXPENSIVE',
        `expected identify and alias to name at most ${mostBroken} loops of ids, got more: who is who cannot be told`,
        { details: { limit: 'loops of ids', allowed: mostBroken } },
      );
    }
    return { version, chained, broken: rows.map(({ child }) => child) };
  };

  return {
    async asOf(project, snapshot, signal) {
      // The same as long as nothing of the project came, whatever came of others.
      const [version] = await versions.versionsOf(project, [allTime], snapshot, signal);
      const key = `${project}|${version}`;
      return remember(bySnapshot, key, async () => {
        const scope = toScope(project, snapshot);
        const edges = await readVersion(project, scope);
        if (edges === '') return nobody;
        // Edges that were taken out or put back leave the positions as they were.
        const correction = key.slice(key.indexOf('.') + 1 || key.length);
        return remember(byVersion, `${project}|${edges}|${correction}`, () => readShape(project, scope, edges));
      });
    },
  };
}

function remember(
  kept: LRUCache<string, Promise<Identity>>,
  key: string,
  read: () => Promise<Identity>,
): Promise<Identity> {
  const known = kept.get(key);
  if (known) return known;
  const reading = read();
  kept.set(key, reading);
  reading.catch(() => kept.delete(key));
  return reading;
}

/** The plan as of a snapshot, ready to be asked. */
export function toPlanStatement(
  plan: Plan,
  {
    project,
    vector,
    identity,
  }: { readonly project: string; readonly vector: PositionVector; readonly identity: Identity },
): Statement {
  const merges = toMerges(identity, project, vector);
  if (!merges || !countsPersons(plan)) return toStatement(toSelect(plan, project, vector, (id) => id));
  // Said once, however often it is looked at: planning what leads from id to id costs the engine more than all else.
  const name = sql`merges`;
  const select = toSelect(plan, project, vector, (id) => toOwner(id, name));
  const [first = '', ...others] = select.strings;
  const declares = first.startsWith(declaring);
  const rest = { ...select, strings: [declares ? first.slice(declaring.length) : first, ...others] };
  return toStatement(sql`WITH ${merges} AS ${name}${declares ? sql`, ` : sql` `}${rest}`);
}

const declaring = 'WITH ';

/** Whom the id stands for, in place of the hash `id` of it. */
export function toPerson(id: Sql, identity: Identity, project: string, snapshot: PositionVector): Sql {
  const merges = toMerges(identity, project, snapshot);
  return merges ? toOwner(id, merges) : id;
}

function toOwner(id: Sql, merges: Sql): Sql {
  return sql`transform(${id}, ${merges}.1, ${merges}.2, ${id})`;
}

/** Ids and whom they stand for: one constant table for the whole statement, which the engine looks ids up in. null: none. */
function toMerges({ version, chained, broken }: Identity, project: string, snapshot: PositionVector): Sql | null {
  if (version === '') return null;
  const scope = allOf([
    toScope(project, snapshot),
    ...(broken.length > 0 ? [sql`child NOT IN (SELECT toUInt64(arrayJoin(${value('Array(String)', broken)})))`] : []),
  ]);
  const firsts = toFirsts(scope);
  // In one order: the engine may read the table more than once for a statement, and all it makes of it has to be the same.
  return chained === 0
    ? sql`(SELECT arraySort(groupArray((child, parent))) FROM (${firsts}))`
    : sql`(WITH RECURSIVE walk AS (
            SELECT child, parent AS at, toUInt8(0) AS step FROM (${firsts}) WHERE ${isChained(scope)}
            UNION ALL
            SELECT a.child, if(b.child = 0, a.at, b.at) AS at, toUInt8(a.step + 1) AS step FROM walk AS a LEFT JOIN walk AS b ON a.at = b.child
            WHERE a.step < ${value('UInt8', toDoublings(chained))})
          SELECT arraySort(groupArray((f.child, if(w.child = 0, f.parent, w.at)))) FROM (${firsts}) AS f
          LEFT JOIN (SELECT child, at FROM walk WHERE step = ${value('UInt8', toDoublings(chained))}) AS w ON f.child = w.child)`;
}

/** Of the edges of each id the first, which counts. Not ordered by the project as well, which is one and the same: that costs twice the time. */
export const firstEdges = sql`ORDER BY child, received_at, message_id, parent LIMIT 1 BY child`;

function toFirsts(scope: Sql, more: Sql = always): Sql {
  return sql`SELECT child, parent${more === always ? sql`` : sql`, ${more}`} FROM identity_edges WHERE ${scope} ${firstEdges}`;
}

/** Edges whose parent is a child, or whose child is a parent. Most are neither: an anonymous id of a known one. */
function isChained(scope: Sql): Sql {
  return sql`(parent IN (SELECT child FROM identity_edges WHERE ${scope}) OR child IN (SELECT parent FROM identity_edges WHERE ${scope}))`;
}

/** Each step doubles how far an id has gone: after these even the longest chain that there can be is at its end. */
function toDoublings(chained: number): number {
  return Math.ceil(Math.log2(chained + 2));
}

/**
 * Ids whose first edge is the youngest of its loop. An id that has not come to an end after all steps goes round, or leads
 * into what goes round; where those arrive is on the loop.
 */
function toBroken(scope: Sql, chained: number): Sql {
  const steps = value('UInt8', toDoublings(chained));
  return sql`WITH RECURSIVE walk AS (
      SELECT child, parent AS at, row_number() OVER (ORDER BY received_at, message_id, child) AS age, age AS youngest, toUInt8(0) AS step
      FROM (${toFirsts(scope, sql`received_at, message_id`)}) WHERE ${isChained(scope)}
      UNION ALL
      SELECT a.child, if(b.child = 0, a.at, b.at) AS at, a.age, greatest(a.youngest, b.youngest) AS youngest, toUInt8(a.step + 1) AS step
      FROM walk AS a LEFT JOIN walk AS b ON a.at = b.child WHERE a.step < ${steps}),
    ends AS (SELECT child, at, age, youngest FROM walk WHERE step = ${steps}),
    endless AS (SELECT child, at, age, youngest FROM ends WHERE at IN (SELECT child FROM identity_edges WHERE ${scope}))
    SELECT child FROM endless WHERE age = youngest AND child IN (SELECT at FROM endless) ORDER BY child LIMIT ${value('UInt32', mostBroken + 1)}`;
}
