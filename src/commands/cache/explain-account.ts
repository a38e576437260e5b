import type { CacheLook, ExplainedCell } from '../../reports/explain/cells.ts';
import type { Explanation } from '../../reports/explain/explain.ts';
import type { ExplainedMiss } from '../../reports/explain/misses.ts';
import type { ExplainedMoment } from '../../reports/explain/moment.ts';
import type { ExplainedStatement } from '../../reports/explain/statements.ts';
import type { StoredBatch } from '../../reports/explain/touches.ts';
import { allTime } from '../../reports/plan.ts';

const mostRanges = 4;
const mostBatches = 3;
const mostHours = 3;
/** Of what depends on all of the past. */
const beginning = new Date(allTime.from).toISOString();

/** An explanation as a person reads it. */
export function toAccount(explanation: Explanation, withSql: boolean): string {
  const { project, moment, reports, statements, fusion, cache, phases, notes, elapsedMs } = explanation;
  const lines = [
    ...toMomentLines(project, moment),
    ...reports.flatMap(({ field, summary, cells }) => [
      '',
      `${field ?? '(no field)'}: ${summary}`,
      ...cells.flatMap(toCellLines),
    ]),
    ...(statements.length > 0
      ? ['', 'statements', ...statements.flatMap((one) => toStatementLines(one, withSql))]
      : []),
    ...(fusion.length > 0 ? ['', 'fusion'] : []),
    ...fusion.map(
      ({ members, others, decision, why }) =>
        `  ${members.join(', ')}${others > 0 ? ` and ${count(others, 'cell')} of other operations` : ''} ${decision}: ${why}`,
    ),
    '',
    `cache: ${cache.state === 'ready' ? 'ready' : 'degraded: the breaker is open, the shared cache is left alone'}${cache.looks.map(toLook).join('')}`,
    `time: ${[...Object.entries(phases), ['all', elapsedMs] as const].map(([name, ms]) => `${name} ${ms} ms`).join(', ')}`,
    ...notes.map((note) => `note: ${note}`),
  ];
  return `${lines.join('\n')}\n`;
}

function toMomentLines(project: string, moment: ExplainedMoment | null): string[] {
  if (moment === null) return [`project ${project}: no report got as far as a moment`];
  const { asOf, ageMs, consistency, why } = moment;
  const asked = consistency === 'NOT_ASKED' ? '' : `, freshness.after ${consistency}`;
  return [
    `project ${project}, as of ${asOf === null ? 'an unknown moment' : `${asOf}: ${ageMs} ms before it was asked`}${asked}`,
    ...why.map((reason) => `  ${reason}`),
  ];
}

function toCellLines(cell: ExplainedCell): string[] {
  const { id, label, key, kind, from, to, asked, found, shared, failed, misses, statements, sameAs, notes } = cell;
  const name = `  ${id} ${label} ${key}, events of ${short(from)} to ${short(to)}`;
  if (sameAs !== null) return [`${name}: the same as ${sameAs}`];
  const parts = [
    kind === 'whole'
      ? found > 0
        ? 'found in the cache'
        : 'one piece, not found'
      : `${found} of ${asked} buckets found`,
    ...(shared > 0 ? [`${shared} by a computation in flight`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(statements.length > 0 ? [`by ${statements.join(', ')}`] : []),
  ];
  return [`${name}: ${parts.join('; ')}`, ...misses.flatMap(toMissLines), ...notes.map((note) => `    ${note}`)];
}

function toMissLines({ why, text, buckets, ranges, since }: ExplainedMiss): string[] {
  const shown = ranges.slice(0, mostRanges).map(({ from, to }) => `${short(from)} to ${short(to)}`);
  const more = ranges.length - shown.length;
  return [
    `    ${buckets} ${why}: ${text}`,
    `      ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    ...(since ?? []).slice(0, mostBatches).map(toBatchLine),
    ...(since && since.length > mostBatches ? [`      and ${since.length - mostBatches} more batches`] : []),
  ];
}

function toBatchLine({ lane, partition, first, last, storedAt, touched }: StoredBatch): string {
  const where = first === last ? `position ${first}` : `positions ${first} to ${last}`;
  const more = touched.length - mostHours;
  const hours = `${touched.slice(0, mostHours).map(toHour).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return `      since then ${lane} partition ${partition}, ${where}, stored ${storedAt}: events of ${hours}`;
}

function toStatementLines(statement: ExplainedStatement, withSql: boolean): string[] {
  const { id, label, cells, rowsRead, rows, elapsedMs, queryId, error, sql, sha } = statement;
  const outcome =
    error === null
      ? `${rowsRead} rows read, ${count(rows, 'row')}, ${elapsedMs} ms`
      : `failed with ${error} after ${elapsedMs} ms`;
  return [
    `  ${id} ${label}: ${outcome}${cells.length > 0 ? `, for ${cells.join(', ')}` : ''}, sql ${sha}${queryId === null ? '' : `, query id ${queryId}`}`,
    ...(withSql ? [`    ${sql}`] : []),
  ];
}

function toLook({ keys, found, fromSharedCache, bytes, elapsedMs }: CacheLook): string {
  const where = found === 0 || fromSharedCache === null ? '' : ` (${fromSharedCache} in the shared cache)`;
  return `; ${found} of ${count(keys, 'key')} found${where}, ${bytes} bytes, ${elapsedMs} ms`;
}

function count(n: number, what: string): string {
  return `${n} ${n === 1 ? what : `${what}s`}`;
}

/** A moment without what is 0; the beginning of a day is the day. */
function short(iso: string): string {
  if (iso === beginning) return 'the beginning';
  return toHour(iso).replace(/T00:00Z$/, '');
}

/** The first hour of a day is not called by the day's name. */
function toHour(iso: string): string {
  return iso.replace(/:00\.000Z$/, 'Z');
}
