import { setInterval } from 'node:timers';
import { limits } from '../../events/event.ts';
import { checkColumns, describeColumns } from './columns.ts';
import { createDelivery } from './deliver.ts';
import type { Send } from './event-input.ts';
import { createLanes } from './lanes.ts';
import type { Mapping } from './mapping.ts';
import { createMessageIds } from './message-id.ts';
import type { Source } from './open-source.ts';
import type { Progress } from './progress.ts';
import { type CsvOptions, readCsv } from './read-csv.ts';
import { readNdjson } from './read-ndjson.ts';
import { isReadable, type Row, toCells, type UnreadableRow } from './row.ts';
import { toRowProblem } from './row-problem.ts';
import type { Tally } from './tally.ts';
import { createToEvent, type MappedEvent, toEventInput } from './to-event.ts';

/** Bytes of the events of one request; the gateway takes 500 KB. */
export const batchBytes = 450_000;
/** A slow standard input is sent after this long at the latest, in milliseconds. */
const lingerMs = 1000;

export interface ImportRun {
  readonly sources: readonly Source[];
  readonly mapping: Mapping;
  readonly csv: Partial<CsvOptions>;
  /** undefined: a dry run. */
  readonly send: Send | undefined;
  readonly tally: Tally;
  readonly progress: Progress;
  /** Rows at most, over all files. */
  readonly limit?: number;
  /** Batches in flight. */
  readonly concurrency: number;
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
  /** Sees every event that is mapped, in order. */
  readonly onEvent?: (event: MappedEvent) => void;
}

export type ImportEnd =
  | { readonly end: 'finished' }
  | { readonly end: 'stopped' }
  | { readonly end: 'failed'; readonly error: unknown };

interface Outgoing {
  readonly event: MappedEvent;
  readonly file: string;
  readonly row: Row;
}

/** Reads, maps and sends; the tally says what became of each row. What was in flight is finished whatever the end. */
export async function runImport(run: ImportRun): Promise<ImportEnd> {
  const { tally, progress, signal } = run;
  const lanes = createLanes(run.concurrency);
  const deliver = run.send && createDelivery({ ...run, send: run.send, onRetry: toRetryNote(progress) });
  let batch: Outgoing[] = [];
  let bytes = 0;
  let began = 0;
  let read = 0;

  async function flush(): Promise<void> {
    const outgoing = batch;
    batch = [];
    bytes = 0;
    if (outgoing.length === 0) return;
    await lanes.start(async () => {
      if (!deliver) return;
      const outcomes = await deliver(outgoing.map(({ event }) => toEventInput(event)));
      for (const [index, outcome] of outcomes.entries()) {
        const { file, row } = outgoing[index] as Outgoing;
        await tally.settle(outcome, { file, line: row.line, row: toCells(row) });
      }
    });
  }

  async function readSource(source: Source): Promise<void> {
    const json = source.format === 'ndjson';
    const toEvent = createToEvent(run.mapping);
    const ids = createMessageIds();
    const chunks = source.open((count) => {
      read += count;
    }, signal);
    for await (const row of readRows(source, chunks, run)) {
      if (signal?.aborted || tally.totals.rows === run.limit) break;
      tally.totals.rows++;
      progress.update(read, tally.totals.rows);
      const event = await mapRow(source.name, row, (readable) => toEvent(readable, json, ids), tally);
      if (!event || !isReadable(row)) continue;
      run.onEvent?.(event);
      if (batch.length === limits.batchEvents || bytes + event.bytes > batchBytes) await flush();
      if (batch.length === 0) began = Date.now();
      batch.push({ event, file: source.name, row });
      bytes += event.bytes;
    }
    if (ids.byLine() > 0) {
      const note = `${source.name}: ${ids.byLine()} ids hold their line as well, since the file has too many different rows to compare all`;
      progress.note(note);
    }
  }

  const linger = setInterval(() => {
    // A failure shows at the next start or at the end.
    if (batch.length > 0 && Date.now() - began > lingerMs && lanes.free()) flush().catch(() => {});
  }, lingerMs / 4);
  try {
    for (const source of run.sources) {
      if (signal?.aborted || tally.totals.rows === run.limit) break;
      await readSource(source);
    }
    if (!signal?.aborted) await flush();
    await lanes.drain();
    return { end: signal?.aborted ? 'stopped' : 'finished' };
  } catch (error) {
    await lanes.drain().catch(() => {});
    return signal?.aborted ? { end: 'stopped' } : { end: 'failed', error };
  } finally {
    clearInterval(linger);
  }
}

function readRows({ name, format }: Source, chunks: AsyncIterable<Buffer>, { csv, mapping, progress }: ImportRun) {
  if (format === 'ndjson') return readNdjson(chunks);
  const byFormat = format === 'csv' ? { delimiter: ',', quote: '"' } : { delimiter: '\t', quote: null };
  return readCsv(name, chunks, { looseQuotes: false, ...byFormat, ...csv }, (names) => {
    checkColumns(names, mapping, name);
    progress.note(`${name}: ${describeColumns(names, mapping)}`);
  });
}

async function mapRow(
  file: string,
  row: Row | UnreadableRow,
  toEvent: (row: Row) => MappedEvent,
  tally: Tally,
): Promise<MappedEvent | undefined> {
  const status = 'UNREADABLE';
  if (!isReadable(row)) {
    await tally.reject({ file, line: row.line, status, ...row.problem, path: [], row: row.raw });
    return undefined;
  }
  try {
    return toEvent(row);
  } catch (thrown) {
    const problem = toRowProblem(thrown);
    if (!problem) throw thrown;
    await tally.reject({ file, line: row.line, status, ...problem, path: [], row: toCells(row) });
    return undefined;
  }
}

/** At most one note in a few seconds, however many lanes are waiting. */
function toRetryNote(progress: Progress) {
  let last = 0;
  return (events: number, waitMs: number, reason: string) => {
    if (Date.now() - last < 3000) return;
    last = Date.now();
    progress.note(`${reason}; ${events} events go again in ${waitMs} ms`);
  };
}
