import { laneNames, type PositionVector, type Stream, toStreamParts } from '../../events/position.ts';
import { toTouched } from '../../events/touch.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { toVersion } from '../moment/versions.ts';
import type { TimeRange } from '../range.ts';

/** A range of the log that was stored, as far as the project is concerned. */
export interface StoredBatch {
  readonly epoch: number;
  readonly lane: string;
  readonly partition: number;
  /** Positions. */
  readonly first: number;
  readonly last: number;
  readonly storedAt: string;
  /** Beginnings of the hours (of events far from their receipt, months) of its events within what was asked for. */
  readonly touched: readonly string[];
}

export interface SinceQuestion extends TimeRange {
  /** Version of the data that an answer is of. */
  readonly had: string;
}

/** What came since, the newest first; null where the answer's version is not one of the latest. */
export type SinceAnswer = readonly StoredBatch[] | null;

/** Of a project, up to a moment. */
export type SinceReader = (
  questions: readonly SinceQuestion[],
  vector: PositionVector,
) => Promise<ReadonlyMap<SinceQuestion, SinceAnswer>>;

interface LedgerRow {
  /** Place of the question. */
  readonly question: number;
  readonly log_stream: number;
  readonly first: string;
  readonly last: string;
  readonly stored_at: string;
  readonly touched: number[];
}

/** Questions of one explanation that the ledger is asked about; and for each of them rows of it, the newest. */
const mostQuestions = 20;
const mostRows = 1000;
const hour = 3_600_000;

/** Reads from the ledger what was stored since an answer was made: its version names the last positions that it knew. */
export function createSinceReader(warehouse: Warehouse, project: string, signal: AbortSignal): SinceReader {
  return async (questions, vector) => {
    const asked = questions.slice(0, mostQuestions);
    if (asked.length === 0 || vector.size === 0) return new Map();
    const bounds = [...vector]
      .map(([stream, last]) => `(log_stream = ${stream} AND last_offset <= ${last})`)
      .join(' OR ');
    const own = `arrayFilter(t -> if(t < 0, -1 - t >= months_from[question + 1] AND -1 - t < months_to[question + 1],
        t >= hours_from[question + 1] AND t < hours_to[question + 1]), touches)`;
    const { rows } = await warehouse.query<LedgerRow>(
      {
        sql: `WITH {hours_from:Array(Int64)} AS hours_from, {hours_to:Array(Int64)} AS hours_to,
                {months_from:Array(Int64)} AS months_from, {months_to:Array(Int64)} AS months_to
              SELECT question, log_stream, min(first_offset) AS first, last_offset AS last, toString(max(written_at)) AS stored_at,
                arrayDistinct(arrayFlatten(groupArray(${own}))) AS touched
              FROM ledger ARRAY JOIN range(length(hours_from)) AS question
              WHERE phase = 'completed' AND project = {project:String} AND (${bounds}) AND notEmpty(${own})
              GROUP BY question, log_stream, last_offset
              ORDER BY question, stored_at DESC, log_stream, last_offset DESC LIMIT ${mostRows} BY question`,
        params: {
          project,
          hours_from: asked.map(({ from }) => Math.floor(from / hour)),
          hours_to: asked.map(({ to }) => Math.ceil(to / hour)),
          months_from: asked.map(({ from }) => toMonth(from)),
          months_to: asked.map(({ to }) => toMonth(to - 1) + 1),
        },
      },
      {
        label: 'explain',
        lane: 'ledger',
        project,
        signal,
        limits: { seconds: 10, resultRows: mostQuestions * mostRows },
      },
    );
    const ofQuestion = Map.groupBy(rows, ({ question }) => Number(question));
    return new Map(asked.map((question, i) => [question, toSince(question, ofQuestion.get(i) ?? [])]));
  };
}

/** Puts together what was stored, the oldest first, until it is what the answer knew: the rest came since. */
function toSince(question: SinceQuestion, rows: readonly LedgerRow[]): SinceAnswer {
  // Cut off, what a stream knew before is not told.
  if (rows.length === mostRows) return null;
  const latest = new Map<Stream, number>();
  let newer = toVersion(latest) === question.had ? rows.length : -1;
  for (let i = rows.length - 1; i >= 0; i--) {
    const { log_stream, last } = rows[i] as LedgerRow;
    latest.set(log_stream, Math.max(latest.get(log_stream) ?? -1, Number(last)));
    if (toVersion(latest) === question.had) newer = i;
  }
  return newer < 0 ? null : rows.slice(0, newer).map(toBatch);
}

function toBatch({ log_stream, first, last, stored_at, touched }: LedgerRow): StoredBatch {
  const { epoch, lane, partition } = toStreamParts(log_stream);
  return {
    epoch,
    lane: laneNames[lane as 0 | 1] ?? String(lane),
    partition,
    first: Number(first),
    last: Number(last),
    storedAt: `${stored_at.replace(' ', 'T')}Z`,
    touched: touched.map((touch) => new Date(toTouched(touch).from).toISOString()).sort(),
  };
}

/** Months since January 1900, as touches count them. */
function toMonth(ms: number): number {
  const date = new Date(ms);
  return (date.getUTCFullYear() - 1900) * 12 + date.getUTCMonth();
}
