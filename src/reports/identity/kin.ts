import type { Cell } from '../cells/cells.ts';
import type { Moment } from '../moment/moment.ts';
import { allTime, type Plan, personOf, rowsIn } from '../plan.ts';
import type { Session } from '../session.ts';
import { type Sql, sql, value } from '../sql.ts';
import { firstEdges } from './identity.ts';

/**
 * Who a few ids are, found by their own edges: a statement or two of some milliseconds, where reports of many events take a
 * table of everybody's. Ids are hashes as the table makes them for its column `person`, as text.
 */

export interface Found<Of> {
  readonly of: ReadonlyMap<string, Of>;
  /** What was asked for to find it. */
  readonly cells: readonly Cell[];
}

/** Statements that go along chains of edges, before the table of all merges is asked: most ids are one or two edges from their end. */
const mostSteps = 4;

interface EdgeRow {
  readonly id: string;
  readonly next: string;
}

interface FamilyRow extends EdgeRow {
  /** Of a child's child it is not known whether the edge is its first: it has to be asked for itself. */
  readonly is_first: number;
}

interface OwnerRow {
  readonly id: string;
  readonly owner: string;
}

/** Of each id the person that it stands for, as of the moment. */
export async function findOwners(session: Session, moment: Moment, ids: Iterable<string>): Promise<Found<string>> {
  const asked = new Set(ids);
  const cells: Cell[] = [];
  const edges = new Map<string, string>();
  const seen = new Set<string>();
  let open = [...asked];
  for (let step = 0; open.length > 0 && step < mostSteps; step++) {
    for (const id of open) seen.add(id);
    const cell = await session.load(moment, planEdges(toIdList(open)));
    cells.push(cell);
    for (const { id, next } of cell.rows as unknown as readonly EdgeRow[]) edges.set(id, next);
    open = [...new Set(open.flatMap((id) => edges.get(id) ?? []))].filter((id) => !seen.has(id));
  }
  const owners = new Map<string, string>();
  for (const id of asked) {
    const end = toEnd(id, edges, new Set(open));
    if (end !== null) owners.set(id, end);
  }
  const hard = [...asked].filter((id) => !owners.has(id));
  if (hard.length > 0) {
    const cell = await session.load(moment, planOwners(sql`child IN ${toIdList(hard)}`));
    cells.push(cell);
    for (const { id, owner } of cell.rows as unknown as readonly OwnerRow[]) owners.set(id, owner);
  }
  return { of: owners, cells };
}

/** null where the edges that are known lead to no end: a long chain, or a loop. */
function toEnd(id: string, edges: ReadonlyMap<string, string>, unknown: ReadonlySet<string>): string | null {
  let at = id;
  for (let step = 0; step <= mostSteps; step++) {
    const next = edges.get(at);
    if (next === undefined) return unknown.has(at) ? null : at;
    at = next;
  }
  return null;
}

/** Of each id all ids that are the same person as of the moment, itself included, in order. */
export async function findKin(
  session: Session,
  moment: Moment,
  ids: readonly string[],
): Promise<Found<readonly string[]>> {
  const cells: Cell[] = [];
  const near = new Map<string, string[]>();
  const tie = (a: string, b: string) => {
    const known = near.get(a);
    if (known) known.push(b);
    else near.set(a, [b]);
  };
  const seen = new Set<string>();
  let open = [...new Set(ids)];
  for (let step = 0; open.length > 0 && step < mostSteps; step++) {
    for (const id of open) seen.add(id);
    const cell = await session.load(moment, planFamily(toIdList(open)));
    cells.push(cell);
    const rows = cell.rows as unknown as readonly FamilyRow[];
    // Their children's children were looked for as well.
    const opened = new Set(open);
    for (const { id, next, is_first } of rows) if (is_first && opened.has(next)) seen.add(id);
    const found = new Set<string>();
    for (const { id, next, is_first } of rows) {
      if (!is_first) {
        if (seen.has(next) && !seen.has(id)) found.add(id);
        continue;
      }
      // One of somebody else: its first edge leads elsewhere.
      if (!seen.has(id) && !seen.has(next)) continue;
      tie(id, next);
      tie(next, id);
      for (const end of [id, next]) if (!seen.has(end)) found.add(end);
    }
    open = [...found];
  }
  if (open.length === 0) return { of: new Map(ids.map((id) => [id, toReached(id, near)])), cells };
  const owners = await findOwners(session, moment, ids);
  const all = await session.load(
    moment,
    planOwners(sql`${personOf(sql`child`)} IN ${toIdList([...owners.of.values()])}`),
  );
  const kin = Map.groupBy(all.rows as unknown as readonly OwnerRow[], ({ owner }) => owner);
  const of = [...owners.of].map(([id, owner]): [string, string[]] => {
    const children = kin.get(owner)?.map((row) => row.id) ?? [];
    return [id, [...new Set([owner, ...children])].sort()];
  });
  return { of: new Map(of), cells: [...cells, ...owners.cells, all] };
}

function toReached(id: string, near: ReadonlyMap<string, readonly string[]>): string[] {
  const reached = new Set([id]);
  for (const at of reached) for (const next of near.get(at) ?? []) reached.add(next);
  return [...reached].sort();
}

// ---- SQL

/** What stands behind IN. As text, since numbers end at 2^53 on the way; and as a list, which costs less than a table of one column. */
export function toIdList(ids: Iterable<string>): Sql {
  return sql`${value('Array(UInt64)', `[${[...new Set(ids)].sort().join(',')}]`)}`;
}

/** The first edge of each of the ids, which is the one that counts. */
function planEdges(ids: Sql): Plan {
  return {
    label: 'edges',
    select: sql`SELECT toString(child) AS id, toString(parent) AS next FROM identity_edges
      WHERE ${rowsIn(allTime)} AND child IN ${ids}
      ${firstEdges}`,
    limits: { resultRows: 1_000_000 },
  };
}

/** The first edge of each of the ids and of each that has an edge to one of them; and some edge of each that has one to one of those. */
function planFamily(ids: Sql): Plan {
  const children = sql`(SELECT child FROM identity_edges WHERE ${rowsIn(allTime)} AND parent IN ${ids})`;
  return {
    label: 'edges',
    select: sql`SELECT toString(child) AS id, toString(parent) AS next, child IN ${ids} OR child IN ${children} AS is_first FROM identity_edges
      WHERE ${rowsIn(allTime)} AND (child IN ${ids} OR child IN ${children} OR parent IN ${children})
      ${firstEdges}`,
    limits: { resultRows: 1_000_000 },
  };
}

function planOwners(which: Sql): Plan {
  return {
    label: 'edges',
    select: sql`SELECT DISTINCT toString(child) AS id, toString(${personOf(sql`child`)}) AS owner FROM identity_edges
      WHERE ${rowsIn(allTime)} AND ${which} ORDER BY id`,
    limits: { resultRows: 1_000_000 },
  };
}
