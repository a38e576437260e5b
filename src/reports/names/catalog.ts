import type { EventKind } from '../../events/event.ts';
import type { EventType } from '../events/events.ts';
import type { FreshnessInput } from '../moment/moment.ts';
import { allTime, type Plan, rowsIn, timeMs } from '../plan.ts';
import type { ReportMeta, Session } from '../session.ts';
import { sql, value } from '../sql.ts';

// ---- parameters

export interface Catalog {
  readonly events: readonly CatalogEvent[];
  readonly meta: ReportMeta;
}

export interface CatalogEvent {
  readonly event: string;
  readonly type: EventType;
  readonly count: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly properties: readonly { readonly name: string; readonly types: readonly string[]; readonly count: number }[];
}

const mostEvents = 1000;
const mostProperties = 200;
const looked = 10_000;

export function runCatalog(session: Session, freshness: FreshnessInput | null | undefined): Promise<Catalog> {
  return session.report(freshness, async (moment) => {
    const [names, properties] = await Promise.all([
      session.load(moment, planNames),
      session.load(moment, planProperties),
    ]);
    return {
      events: toEvents(names.rows as unknown as NameRow[], properties.rows as unknown as PropertyRow[]),
      meta: session.toMeta(moment, [
        { cell: names, buckets: 1 },
        { cell: properties, buckets: 1 },
      ]),
    };
  });
}

// ---- row

interface NameRow {
  readonly event: string;
  readonly kind: EventKind;
  readonly n: string;
  readonly first: string;
  readonly last: string;
}

interface PropertyRow {
  readonly event: string;
  readonly kind: EventKind;
  readonly path: string;
  readonly types: readonly string[];
  readonly n: string;
}

// ---- SQL

const planNames: Plan = {
  label: 'catalog',
  select: sql`SELECT event, kind, count() AS n, min(${timeMs}) AS first, max(${timeMs}) AS last
    FROM events WHERE ${rowsIn(allTime)} GROUP BY event, kind ORDER BY n DESC, event LIMIT ${value('UInt32', mostEvents)}`,
};

const planProperties: Plan = {
  label: 'catalog',
  // The newest of each name: the rows to look at are found by their order alone, and only those are opened.
  select: sql`SELECT event, kind, path, groupUniqArray(type) AS types, count() AS n FROM (
      SELECT event, kind, arrayJoin(CAST(JSONAllPathsWithTypes(doc), 'Array(Tuple(String, String))')) AS p, p.1 AS path, p.2 AS type
      FROM (SELECT event, kind, doc FROM events WHERE ${rowsIn(allTime)} ORDER BY project DESC, event DESC, time DESC LIMIT ${value('UInt32', looked)} BY event, kind))
    GROUP BY event, kind, path ORDER BY n DESC, path LIMIT ${value('UInt32', mostProperties)} BY event, kind`,
  limits: { resultRows: mostEvents * mostProperties },
};

// ---- mapping

function toEvents(names: readonly NameRow[], properties: readonly PropertyRow[]): CatalogEvent[] {
  const byEvent = Map.groupBy(properties, ({ event, kind }) => `${kind} ${event}`);
  return names.map(({ event, kind, n, first, last }) => ({
    event,
    type: kind.toUpperCase() as EventType,
    count: Number(n),
    firstSeen: new Date(Number(first)),
    lastSeen: new Date(Number(last)),
    properties: (byEvent.get(`${kind} ${event}`) ?? []).map(({ path, types, n: events }) => ({
      name: path,
      types: types.toSorted(),
      count: Number(events),
    })),
  }));
}
