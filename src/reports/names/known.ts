import { LRUCache } from 'lru-cache';
import { covers, joinVectors, type PositionVector } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { WatermarkReader } from '../moment/watermark.ts';
import { timeMs, toScope } from '../plan.ts';
import { allOf, join, type Sql, sql, toStatement, value } from '../sql.ts';

/** What a project's events are called, and what properties they have. A name that is known stays known. */
export interface KnownNames {
  readonly events: ReadonlySet<string>;
  /** Of all events; of those that tell of persons (identify); of those that tell of groups. */
  readonly properties: ReadonlySet<string>;
  readonly person: ReadonlySet<string>;
  readonly group: ReadonlySet<string>;
  /** There are more of them than are kept: whether a name is unknown cannot be told. */
  readonly tooManyEvents: boolean;
  readonly tooManyProperties: boolean;
  /** Properties are those of the newest 10,000 events of each name, of which some name has more. */
  readonly isSampled: boolean;
}

export interface NamesReader {
  /** What is in memory; null before anything was read. */
  inMemory(project: string): KnownNames | null;
  /** At least those that the snapshot has; null when they cannot be read in time. Never rejects. */
  upTo(project: string, snapshot: PositionVector): Promise<KnownNames | null>;
}

interface NamesDeps {
  readonly warehouse: Warehouse;
  readonly watermark: WatermarkReader;
  readonly logger: Logger;
  readonly clock: () => number;
}

interface Memory {
  vector: PositionVector;
  corrections: number;
  readonly events: Set<string>;
  readonly properties: Set<string>;
  readonly person: Set<string>;
  readonly group: Set<string>;
  tooManyEvents: boolean;
  tooManyProperties: boolean;
  isSampled: boolean;
  reading: Promise<void> | null;
  /** After a reading that failed, nobody tries before this moment. */
  notBefore: number;
}

export const mostLooked = 10_000;
const mostNames = 10_000;
const mostProjects = 100;
const longestReadingSeconds = 30;
/** How long an answer waits for names, at most: it is the same without. The reading goes on, and the next answer has them. */
const longestWaitMs = 2000;
const retryAfterMs = 60_000;

/**
 * Names by project, in memory: read once, and from then on only what came since, when somebody asks for a name that is not known.
 * Kept beside the cached answers, since a name that was not there yesterday may be there today, and one that was is still there.
 */
export function createNamesReader({ warehouse, watermark, logger, clock }: NamesDeps): NamesReader {
  const memories = new LRUCache<string, Memory>({ max: mostProjects });

  const memoryOf = (project: string): Memory => {
    const corrections = watermark.correction(project).count;
    const known = memories.get(project);
    // What was put back at old positions is not found by looking at new ones.
    if (known?.corrections === corrections) return known;
    const memory = createMemory(corrections);
    memories.set(project, memory);
    return memory;
  };

  const read = async (project: string, memory: Memory, vector: PositionVector): Promise<void> => {
    const scope = memory.vector.size === 0 ? toScope(project, vector) : toNewScope(project, memory.vector, vector);
    const options = { label: 'names', project, limits: { seconds: longestReadingSeconds, resultRows: 4 * mostNames } };
    try {
      const [names, paths] = await Promise.all([
        warehouse.query<NameRow>(toStatement(selectNames(scope)), options),
        warehouse.query<PathRow>(toStatement(selectPaths(scope)), options),
      ]);
      learn(memory, names.rows, paths.rows);
      memory.vector = vector;
    } catch (err) {
      memory.notBefore = clock() + retryAfterMs;
      logger.warn({ err, project }, 'names of events and properties cannot be read: unknown ones are not warned about');
    } finally {
      memory.reading = null;
    }
  };

  const reach = async (project: string, memory: Memory, snapshot: PositionVector): Promise<boolean> => {
    while (!covers(memory.vector, snapshot)) {
      if (clock() < memory.notBefore) return false;
      memory.reading ??= read(project, memory, joinVectors([memory.vector, snapshot]));
      await memory.reading;
    }
    return true;
  };

  return {
    inMemory: (project) => memories.get(project) ?? null,
    async upTo(project, snapshot) {
      const memory = memoryOf(project);
      let timer: NodeJS.Timeout | undefined;
      const tooLate = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, longestWaitMs, false);
      });
      const isThere = await Promise.race([reach(project, memory, snapshot), tooLate]);
      clearTimeout(timer);
      return isThere ? memory : null;
    },
  };
}

function createMemory(corrections: number): Memory {
  return {
    vector: new Map(),
    corrections,
    events: new Set(),
    properties: new Set(),
    person: new Set(),
    group: new Set(),
    tooManyEvents: false,
    tooManyProperties: false,
    isSampled: false,
    reading: null,
    notBefore: 0,
  };
}

// ---- row

interface NameRow {
  readonly name: string;
  readonly n: string;
}

interface PathRow {
  readonly teller: 'properties' | 'person' | 'group';
  readonly path: string;
}

function learn(memory: Memory, names: readonly NameRow[], paths: readonly PathRow[]): void {
  for (const { name, n } of names) {
    if (memory.events.size < mostNames) memory.events.add(name);
    else memory.tooManyEvents ||= !memory.events.has(name);
    memory.isSampled ||= Number(n) > mostLooked;
  }
  for (const { teller, path } of paths) {
    const of = memory[teller];
    if (of.size < mostNames) of.add(path);
    else memory.tooManyProperties ||= !of.has(path);
    if (teller !== 'properties' && memory.properties.size < mostNames) memory.properties.add(path);
  }
}

// ---- SQL

function selectNames(scope: Sql): Sql {
  return sql`SELECT toString(event) AS name, count() AS n FROM events WHERE ${scope}
    GROUP BY name ORDER BY n DESC LIMIT ${value('UInt32', mostNames + 1)}`;
}

/**
 * Of the newest events of each name. Since which hour there are enough of them is counted first: only events from then on are
 * opened, where to put all in order and take some of each name would open them all.
 */
function selectPaths(scope: Sql): Sql {
  const most = value('UInt32', mostLooked);
  const name = sql`cityHash64(event, kind)`;
  const hour = sql`intDiv(${timeMs}, 3600000)`;
  const always = value('Int64', -(2 ** 53));
  // transform takes no empty lists.
  return sql`WITH (SELECT (arrayPushBack(groupArray(whose), 0), arrayPushBack(groupArray(since), ${always})) FROM (
      SELECT whose, if(max(upto) >= ${most}, maxIf(hour, upto >= ${most}), ${always}) AS since FROM (
        SELECT whose, hour, sum(n) OVER (PARTITION BY whose ORDER BY hour DESC) AS upto FROM (
          SELECT ${name} AS whose, ${hour} AS hour, count() AS n FROM events WHERE ${scope} GROUP BY whose, hour))
      GROUP BY whose)) AS sinces
    SELECT multiIf(kind = 'identify', 'person', kind = 'group', 'group', 'properties') AS teller, path
    FROM (SELECT kind, arrayJoin(JSONAllPaths(doc)) AS path
      FROM (SELECT kind, doc FROM events PREWHERE ${hour} >= transform(${name}, sinces.1, sinces.2, ${always}) WHERE ${scope}
        ORDER BY project DESC, event DESC, time DESC LIMIT ${most} BY event, kind))
    GROUP BY teller, path ORDER BY count() DESC LIMIT ${value('UInt32', mostNames + 1)} BY teller`;
}

/** Rows at positions of the one vector that the other has not; written so that the index of positions can be used. */
function toNewScope(project: string, known: PositionVector, vector: PositionVector): Sql {
  const ranges = [...vector]
    .filter(([stream, last]) => last > (known.get(stream) ?? -1))
    .map(
      ([stream, last]) =>
        sql`log_stream = ${value('UInt32', stream)} AND log_offset > ${value('Int64', known.get(stream) ?? -1)} AND log_offset <= ${value('UInt64', last)}`,
    );
  const isNew = sql`(${join(
    ranges.map((range) => sql`(${range})`),
    ' OR ',
  )})`;
  return allOf([sql`project = ${value('String', project)}`, isNew]);
}
