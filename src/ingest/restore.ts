import { TallygateError } from '../errors.ts';
import type { Stream } from '../events/position.ts';
import type { EventLog, LogRecord } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Batch, decideBatch, joinLines, type Line, setAside, toToken } from './batch.ts';
import { completeFromTables } from './complete-from-tables.ts';
import { type Cause, endCorrection, isBalanced, noteChanged, noteMoved } from './corrections.ts';
import { readDeleted } from './deletion/deleted.ts';
import { noteDeleted } from './deletion/move.ts';
import { readEdgeDifferences, repairEdges } from './edges.ts';
import { judgeMissing } from './elsewhere.ts';
import { type Facts, readFacts } from './facts.ts';
import { insertEvents } from './insert-events.ts';
import { type Piece, readBlocks } from './pieces.ts';
import { readPresent } from './present.ts';
import { readRollupDifferences, repairRollup } from './rollup.ts';
import type { StreamRange } from './stream-range.ts';

export interface RestoreDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** See DEDUP_WINDOW_HOURS. */
  readonly windowHours: number;
  /** Aborted: ends behind the block under way. */
  readonly signal?: AbortSignal;
  /** Counts what is missing, and changes nothing. */
  readonly isDry?: boolean;
  /** Called behind each block, with all there was so far. */
  readonly onBlock?: (restored: Restored, next: number) => void;
}

export interface RestoreRange extends StreamRange {
  readonly logPartition: number;
}

/** What was put back; with isDry, what would be. */
export interface Restored {
  /** Looked at. */
  positions: number;
  events: number;
  deadLetters: number;
  repeats: number;
  /** Of persons that were deleted. */
  tombstones: number;
  /** Positions that neither the tables nor the log have. */
  gone: number;
  rollupRows: number;
  /** Of identity: see src/reports/identity/identity.ts. */
  edges: number;
  /** Ranges that the ledger had lost. */
  ranges: number;
}

/** A piece of a block, with what of it is missing. */
interface Part {
  readonly range: StreamRange;
  readonly token: string;
  /** The ledger has it. */
  readonly isKnown: boolean;
  readonly missing: readonly LogRecord[];
}

interface Loss {
  readonly part: Part;
  batch: Batch;
}

/** What the ledger is told of persons that were deleted, where it or the tombstones were lost. */
const restoring: Cause = 'delete:restore';
const blockPositions = 20_000;
/** A token that an earlier repair has used, for rows that were lost again, is taken for done; the next one is not. */
const rounds = 25;

/**
 * Puts back what is missing of a range of the log that was stored once, whoever lost it. By presence, not by order:
 * positions that have a row are left alone. A record that is missing is a repeat when its id counts at another position,
 * and is stored otherwise; then the rollup is made to fit, and the ledger where it knows nothing of the range. Tokens are
 * made by rule, as those of the sink are: two who do this at once store one row.
 */
export async function restoreRange(deps: RestoreDeps, range: RestoreRange): Promise<Restored> {
  const restored: Restored = {
    positions: 0,
    events: 0,
    deadLetters: 0,
    repeats: 0,
    tombstones: 0,
    gone: 0,
    rollupRows: 0,
    edges: 0,
    ranges: 0,
  };
  for await (const pieces of readBlocks(deps.warehouse, range, blockPositions)) {
    if (deps.signal?.aborted) break;
    await restoreBlock(deps, range, pieces, restored);
    deps.onBlock?.(restored, pieces.at(-1)!.last + 1);
  }
  return restored;
}

async function restoreBlock(
  deps: RestoreDeps,
  { stream, logPartition }: RestoreRange,
  pieces: readonly Piece[],
  restored: Restored,
): Promise<void> {
  const { warehouse, metrics, logger, isDry } = deps;
  const block = { stream, first: pieces[0]!.first, last: pieces.at(-1)!.last };
  const { offsets: present } = await readPresent(warehouse, block);
  const parts: Part[] = [];
  for (const piece of pieces) {
    const held = countHeld(present, piece);
    const length = piece.last - piece.first + 1;
    restored.positions += length;
    const part = await readPart(deps.log, { stream, logPartition }, piece, present, held < length);
    restored.gone += length - held - part.missing.length;
    if (part.range.first <= part.range.last) parts.push(part);
  }
  const losses = await judge(deps, stream, parts);
  for (const { batch } of losses) {
    restored.events += batch.events.length;
    restored.deadLetters += batch.deadLetters.length;
    restored.repeats += batch.repeats.length;
    restored.tombstones += batch.tombstones.length;
  }
  const lost = losses.reduce((sum, { part }) => sum + part.missing.length, 0);
  if (isDry) {
    restored.rollupRows += lost > 0 ? 0 : (await readRollupDifferences(warehouse, block)).length;
    restored.edges +=
      lost > 0 ? 0 : (await readEdgeDifferences(warehouse, block)).filter(({ isMissing }) => isMissing).length;
    restored.ranges += parts.filter(({ isKnown }) => !isKnown).length;
    return;
  }
  if (lost > 0) {
    logger.warn({ ...block, lost }, 'rows are missing; putting them back from the log');
    await insertLost(deps, block, losses);
    metrics.sinkRepaired.inc(lost);
    const projects = new Set(losses.flatMap(({ batch }) => batch.tallies.map(({ project }) => project)));
    await noteChanged(warehouse, stream, block, projects);
  }
  // Most often nothing differs, and one statement says so of the whole block.
  if ((await readRollupDifferences(warehouse, block)).length > 0) {
    for (const { range, token } of parts)
      restored.rollupRows += await repairRollup({ warehouse, logger }, range, token);
  }
  if ((await readEdgeDifferences(warehouse, block)).some(({ isMissing }) => isMissing)) {
    const projects = new Set<string>();
    for (const { range, token } of parts) {
      const edges = await repairEdges({ warehouse, logger }, range, token);
      for (const { project } of edges) projects.add(project);
      restored.edges += edges.length;
    }
    await noteChanged(warehouse, stream, block, projects);
  }
  for (const { range, token, isKnown } of parts) {
    if (isKnown) continue;
    await completeFromTables(warehouse, range, token);
    restored.ranges++;
  }
  const settled = new Set(losses.filter(({ batch }) => batch.tombstones.length > 0).map(({ part }) => part));
  for (const part of parts) {
    if (part.isKnown && !settled.has(part)) continue;
    await noteDeleted(warehouse, part.range, restoring);
    await endCorrection(warehouse, part.range, restoring);
  }
  if (!(await isBalanced(warehouse, block)))
    for (const { range, isKnown } of parts) if (isKnown) await noteMoved(warehouse, range);
}

function countHeld(present: ReadonlySet<number>, { first, last }: Piece): number {
  let held = 0;
  for (let offset = first; offset <= last; offset++) if (present.has(offset)) held++;
  return held;
}

/** Reads a piece from the log where something of it is missing, or where its token has to be made. */
async function readPart(
  log: EventLog,
  { stream, logPartition }: Pick<RestoreRange, 'stream' | 'logPartition'>,
  { first, last, token }: Piece,
  present: ReadonlySet<number>,
  isMissing: boolean,
): Promise<Part> {
  const records: LogRecord[] = [];
  if (isMissing || token === null)
    for await (const chunk of log.read(logPartition, first, last)) for (const record of chunk) records.push(record);
  const missing = records.filter(({ offset }) => !present.has(offset));
  if (token !== null) return { range: { stream, first, last }, token, isKnown: true, missing };
  // What neither the log nor the tables have at its ends is not part of what was stored.
  const there = (offset: number) =>
    present.has(offset) || (offset >= (records[0]?.offset ?? Infinity) && offset <= records.at(-1)!.offset);
  let from = first;
  let to = last;
  while (from <= to && !there(from)) from++;
  while (from <= to && !there(to)) to--;
  return {
    range: { stream, first: from, last: to },
    token: records.length > 0 ? toToken(stream, records) : `${stream}:${from}-${to}:tables`,
    isKnown: false,
    missing,
  };
}

/** What becomes of the missing ones; those of a block know of each other. */
async function judge(
  { warehouse, windowHours, signal }: RestoreDeps,
  stream: Stream,
  parts: readonly Part[],
): Promise<Loss[]> {
  const read: { readonly part: Part; readonly facts: Facts }[] = [];
  for (const part of parts) if (part.missing.length > 0) read.push({ part, facts: await readFacts(part.missing) });
  const verdicts = await judgeMissing(
    warehouse,
    stream,
    windowHours,
    read.flatMap(({ part, facts }) => part.missing.map(({ offset }, i) => ({ offset, facts: facts.at(i) }))),
    signal ?? new AbortController().signal,
  );
  const losses: Loss[] = [];
  let at = 0;
  for (const { part, facts } of read) {
    const own = verdicts.slice(at, at + facts.length);
    at += facts.length;
    const deleted = await readDeleted(warehouse, stream, part.missing);
    losses.push({ part, batch: await decideBatch(stream, part.missing, facts, own, undefined, deleted) });
  }
  return losses;
}

async function insertLost({ warehouse }: RestoreDeps, block: StreamRange, losses: readonly Loss[]): Promise<void> {
  let absent = new Set(losses.flatMap(({ part }) => part.missing.map(({ offset }) => offset)));
  for (let round = 1; round <= rounds; round++) {
    for (const loss of losses) {
      const token = `${loss.part.token}:repair:${round}`;
      const of = (lines: readonly Line[]) => lines.filter(({ offset }) => absent.has(offset));
      const refused = await insertEvents(of(loss.batch.events), token, (text, part) =>
        warehouse.insert('events', text, { token: part }),
      );
      if (refused.size > 0) loss.batch = setAside(loss.batch, loss.part.missing, refused);
      for (const [table, lines] of [
        ['dead_letters', of(loss.batch.deadLetters)],
        ['repeats', of(loss.batch.repeats)],
        ['tombstones', of(loss.batch.tombstones)],
      ] as const)
        if (lines.length > 0) await warehouse.insert(table, joinLines(lines), { token });
    }
    const { offsets: present } = await readPresent(warehouse, block);
    absent = new Set([...absent].filter((offset) => !present.has(offset)));
    if (absent.size === 0) return;
  }
  throw new TallygateError(
    'INTERNAL',
    `${absent.size} of positions ${block.first} to ${block.last} of stream ${block.stream} are still missing after ${rounds} repairs`,
  );
}
