import { LRUCache } from 'lru-cache';
import { toMessage } from '../../errors.ts';
import { covers, type PositionVector, type Stream } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { placesOf, raise, toVersion } from '../moment/versions.ts';
import type { WatermarkReader } from '../moment/watermark.ts';
import { moment, type Plan, timeMs, toNewer, toScope, withAround } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import { allOf, holesOf, join, type Sql, sql, toStatement, value } from '../sql.ts';
import type { Identity } from './identity.ts';

/**
 * Which merges an answer depends on: of each stream the last edge, up to the snapshot, that can change whose the events in its
 * range are. An edge changes the person of those ids alone that lead to it; so where none of these has an event in the
 * range, the answer stays. See docs/decisions/0020-merges-by-bucket.md.
 */
export interface Merges {
  /** In the order of the ranges, which ascend and do not overlap. `identity`: as of the snapshot. */
  versionsOf(
    question: {
      readonly project: string;
      readonly plan: Plan;
      readonly snapshot: PositionVector;
      readonly identity: Identity;
    },
    ranges: readonly TimeRange[],
  ): Promise<readonly string[]>;
}

type Latest = ReadonlyMap<Stream, number>;

/** What is known as of one snapshot. Never changed once it is there. */
interface Known {
  readonly snapshot: PositionVector;
  /** Of all edges. */
  readonly edges: string;
  /** Edges that were received before are taken to touch everything: milliseconds since 1970. */
  readonly since: number;
  readonly corrections: number;
  /** Last edges that touch everything. */
  readonly everywhere: Latest;
  /** Whether there are others. */
  readonly isSome: boolean;
  /** By hour since 1970: last edges to which an id leads that has events in it. */
  readonly touches: ReadonlyMap<number, Latest>;
  readonly memo: Map<string, string>;
}

interface MergesDeps {
  readonly warehouse: Warehouse;
  readonly watermark: Pick<WatermarkReader, 'correction'>;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** Snapshots of a project of which it is known: an operation may go on asking about its own while others are further. */
const mostSnapshots = 8;
/** Projects of which it is known: those asked about last. */
const mostProjects = 100;
/** Hours times streams; a project with more is taken to be merged everywhere. */
const mostTouches = 300_000;
const patienceSeconds = 5;
/** How long after a failure all merges are taken to touch everything. */
const restMs = 30_000;
const hourMs = 3_600_000;

interface Row {
  readonly hour: number;
  readonly log_stream: number;
  readonly last: string;
}

export function createMerges({ warehouse, watermark, logger, clock }: MergesDeps): Merges {
  /** Of each project the latest first. */
  const projects = new LRUCache<string, readonly Known[]>({ max: mostProjects });
  const reading = new Map<string, Promise<unknown>>();
  const restUntil = new Map<string, number>();

  /** Edges up to the snapshot that touch everything: old ones, and those to whose child other ids lead. */
  const readEverywhere = async (project: string, snapshot: PositionVector, since: number, { chained }: Identity) => {
    const scope = toScope(project, snapshot);
    const isOld = sql`received_at < ${moment(since)}`;
    const leads = sql`child IN (SELECT parent FROM identity_edges WHERE ${scope})`;
    const isEverywhere = chained > 0 ? sql`(${isOld} OR ${leads})` : isOld;
    const { rows } = await warehouse.query<{ log_stream: number; n: string; last: string; others: string }>(
      toStatement(
        sql`SELECT log_stream, countIf(${isEverywhere}) AS n, maxIf(log_offset, ${isEverywhere}) AS last, count() - n AS others
          FROM identity_edges WHERE ${scope} GROUP BY log_stream`,
      ),
      { label: 'merges', project, lane: 'ledger' },
    );
    const touching = rows
      .filter(({ n }) => n !== '0')
      .map(({ log_stream, last }) => [log_stream, Number(last)] as const);
    return { everywhere: new Map(touching), isSome: rows.some(({ others }) => others !== '0') };
  };

  /** Hours of what is new since `known`: all of the new edges' children, and the new events of all edges' children. */
  const readTouches = async (
    project: string,
    snapshot: PositionVector,
    since: number,
    known: Known | null,
    isEdgeNew: boolean,
  ): Promise<readonly Row[]> => {
    const scope = toScope(project, snapshot);
    const edges = (more: readonly Sql[]) =>
      sql`SELECT child, log_stream, log_offset FROM identity_edges WHERE ${allOf([scope, sql`received_at >= ${moment(since)}`, ...more])}`;
    const hours = (events: readonly Sql[], of: Sql) =>
      sql`SELECT toInt32(floor(${timeMs} / ${value('Int64', hourMs)})) AS hour, e.log_stream AS log_stream, e.log_offset AS edge
        FROM (SELECT time, person FROM events WHERE ${allOf(events)}) AS v INNER JOIN (${of}) AS e ON v.person = e.child`;
    const pieces: Sql[] = [];
    if (isEdgeNew) {
      const added = edges(known ? [toNewer(known.snapshot, snapshot)] : []);
      pieces.push(hours([scope, sql`person IN (SELECT child FROM (${added}))`], added));
    }
    if (known?.isSome) {
      const came = [scope, toNewer(known.snapshot, snapshot)];
      pieces.push(hours(came, edges([sql`child IN (SELECT person FROM events WHERE ${allOf(came)})`])));
    }
    if (pieces.length === 0) return [];
    const { rows } = await warehouse.query<Row>(
      toStatement(
        sql`SELECT hour, log_stream, max(edge) AS last FROM (${join(pieces, ' UNION ALL ')}) GROUP BY hour, log_stream`,
      ),
      {
        label: 'merges',
        project,
        // The first look is a long one: the ledger is not read behind it.
        lane: known ? 'ledger' : 'reports',
        limits: { seconds: patienceSeconds, resultRows: mostTouches },
      },
    );
    return rows;
  };

  const readOn = async (
    project: string,
    snapshot: PositionVector,
    identity: Identity,
    before: Known | null,
  ): Promise<Known> => {
    const since = startOfMonth(clock());
    // Positions do not tell what was taken out or put back.
    const corrections = watermark.correction(project).count;
    const known = before?.since === since && before.corrections === corrections ? before : null;
    const isEdgeNew = known?.edges !== identity.version;
    const [{ everywhere, isSome }, rows] = await Promise.all([
      isEdgeNew ? readEverywhere(project, snapshot, since, identity) : (known as Known),
      readTouches(project, snapshot, since, known, isEdgeNew),
    ]);
    const touches = new Map(known?.touches);
    for (const { hour, log_stream, last } of rows)
      touches.set(hour, raised(touches.get(hour), log_stream, Number(last)));
    return { snapshot, edges: identity.version, since, corrections, everywhere, isSome, touches, memo: new Map() };
  };

  /** null: not known of this snapshot. */
  const knownOf = async (project: string, snapshot: PositionVector, identity: Identity): Promise<Known | null> => {
    for (;;) {
      const { count, isOpen } = watermark.correction(project);
      if (isOpen) return null;
      const states = projects.get(project) ?? [];
      const same = states.find((state) => state.corrections === count && isSame(state.snapshot, snapshot));
      if (same) return same;
      const other = reading.get(project);
      if (other) {
        await other;
        continue;
      }
      const latest = states[0];
      const isOlder = latest !== undefined && !covers(snapshot, latest.snapshot);
      if (isOlder || clock() < (restUntil.get(project) ?? 0)) return null;
      const next = readOn(project, snapshot, identity, latest ?? null)
        .then((state) => {
          projects.set(project, [state, ...states].slice(0, mostSnapshots));
        })
        .catch((thrown) => {
          restUntil.set(project, clock() + restMs);
          logger.warn({ project, error: toMessage(thrown) }, 'which hours merges touch is not known: all of them');
        })
        .finally(() => reading.delete(project));
      reading.set(project, next);
      await next;
    }
  };

  return {
    async versionsOf({ project, plan, snapshot, identity }, ranges) {
      if (identity.version === '') return ranges.map(() => '');
      const known = asksOfOthers(plan) ? null : await knownOf(project, snapshot, identity);
      if (known === null) return ranges.map(() => identity.version);
      const toMemoKey = ({ from, to }: TimeRange) => `${from}|${to}`;
      const unknown = ranges.filter((range) => !known.memo.has(toMemoKey(range)));
      if (unknown.length > 0)
        for (const [i, version] of toVersions(known, unknown).entries())
          known.memo.set(toMemoKey(unknown[i] as TimeRange), version);
      return ranges.map((range) => known.memo.get(toMemoKey(range)) as string);
    },
  };
}

/** Whether it asks whose an id is that is not one of an event in its range: what that is said to be may have no event there. */
function asksOfOthers({ select }: Plan): boolean {
  return holesOf(withAround(select)).some(
    (hole) => hole.hole === 'person' && (hole.id.values.length > 0 || hole.id.strings[0] !== 'person'),
  );
}

function toVersions({ touches, everywhere }: Known, ranges: readonly TimeRange[]): string[] {
  const latest = ranges.map(() => new Map(everywhere));
  for (const [hour, edges] of touches) {
    const range = { from: hour * hourMs, to: (hour + 1) * hourMs };
    for (const i of placesOf(range, ranges))
      for (const [stream, last] of edges) raise(latest[i] as Map<Stream, number>, stream, last);
  }
  return latest.map((edges) => (edges.size === 0 ? '' : toVersion(edges)));
}

function isSame(a: PositionVector, b: PositionVector): boolean {
  return a === b || (covers(a, b) && covers(b, a));
}

function raised(latest: Latest | undefined, stream: Stream, last: number): Latest {
  const copy = new Map(latest);
  raise(copy, stream, last);
  return copy;
}

function startOfMonth(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}
