import { createHash } from 'node:crypto';
import type { Stream } from '../events/position.ts';
import { readRecord, toStoredTime } from '../events/record.ts';
import { toTouch } from '../events/touch.ts';
import type { LogRecord } from '../ports/event-log.ts';
import type { RepeatWindow } from './repeat-window.ts';

/** A line of JSONEachRow for one record of the log. */
export interface Line {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** What a batch became, for one project. */
export interface ProjectTally {
  stored: number;
  deduplicated: number;
  deadLettered: number;
  readonly touches: Set<number>;
  newestReceivedAt: number;
  newestTime: number;
}

/** Records first..last of a stream, decided: each is stored, left out as a repeat, or kept aside. */
export interface Batch {
  readonly stream: Stream;
  readonly first: number;
  readonly last: number;
  /** Names the raw records: the same range with the same content has the same token, whatever was decided. */
  readonly token: string;
  readonly events: Line[];
  readonly repeats: Line[];
  readonly deadLetters: Line[];
  readonly tallies: ReadonlyMap<string, ProjectTally>;
}

const newline = 0x0a;

/** Records whose project cannot be read count for this one, which no credential has. */
const nobody = '';

/** Decides every record, in order. Deterministic, given the window as of the first record. */
export function decideBatch(stream: Stream, records: readonly LogRecord[], window: RepeatWindow): Batch {
  const tallies = new Map<string, ProjectTally>();
  const toEventLine = createEventLines(stream, records);
  const batch: Batch = {
    stream,
    first: records[0]!.offset,
    last: records[records.length - 1]!.offset,
    token: toToken(stream, records),
    events: [],
    repeats: [],
    deadLetters: [],
    tallies,
  };
  for (const record of records) {
    // A record is one line: what has more would be taken for more rows.
    const facts = record.value.includes(newline) ? null : readRecord(record.value);
    const tally = tallyOf(tallies, facts?.project ?? nobody);
    if (facts === null) {
      tally.deadLettered++;
      batch.deadLetters.push(
        toDeadLetter(stream, record, null, 'UNREADABLE', 'expected a record of this service, got something else'),
      );
      continue;
    }
    const { project, messageId, receivedAt, time, dead } = facts;
    tally.newestReceivedAt = Math.max(tally.newestReceivedAt, receivedAt);
    if (window.isRepeat(project, messageId, receivedAt)) {
      tally.deduplicated++;
      batch.repeats.push({
        offset: record.offset,
        bytes: toLine({
          project,
          message_id: messageId,
          received_at: toStoredTime(receivedAt),
          log_stream: stream,
          log_offset: record.offset,
        }),
      });
    } else if (dead) {
      tally.deadLettered++;
      batch.deadLetters.push(toDeadLetter(stream, record, facts, dead.code, dead.message));
    } else {
      tally.stored++;
      tally.touches.add(toTouch(time, receivedAt));
      tally.newestTime = Math.max(tally.newestTime, time);
      batch.events.push(toEventLine(record));
    }
  }
  return batch;
}

/** Names a range by its place and its raw content. */
export function toToken(stream: Stream, records: readonly LogRecord[]): string {
  const digest = createHash('sha256');
  for (const run of toRuns(records)) digest.update(run);
  return `${stream}:${records[0]!.offset}-${records[records.length - 1]!.offset}:${digest.digest('hex').slice(0, 32)}`;
}

/** The values, those that lie side by side in memory as one: to hash them one by one costs more in calls than in hashing. */
function* toRuns(records: readonly LogRecord[]): Iterable<Buffer> {
  let first = records[0]!.value;
  let length = 0;
  for (const { value } of records) {
    if (value.buffer !== first.buffer || value.byteOffset !== first.byteOffset + length) {
      yield Buffer.from(first.buffer, first.byteOffset, length);
      first = value;
      length = 0;
    }
    length += value.length;
  }
  yield Buffer.from(first.buffer, first.byteOffset, length);
}

/** The same batch with some of its events kept aside, since the warehouse refuses them. */
export function setAside(batch: Batch, records: readonly LogRecord[], refused: ReadonlyMap<number, string>): Batch {
  const deadLetters = [...batch.deadLetters];
  for (const [offset, message] of refused) {
    const record =
      records[offset - batch.first]?.offset === offset
        ? records[offset - batch.first]
        : records.find((r) => r.offset === offset);
    const facts = readRecord(record!.value);
    const tally = tallyOf(batch.tallies as Map<string, ProjectTally>, facts?.project ?? nobody);
    tally.stored--;
    tally.deadLettered++;
    deadLetters.push(toDeadLetter(batch.stream, record!, facts, 'NOT_STORABLE', message));
  }
  return { ...batch, events: batch.events.filter(({ offset }) => !refused.has(offset)), deadLetters };
}

/** Longest text in front of a record, less the brace that it takes the place of, and the end of the line. */
const positionBytes = '{"log_stream":4294967295,"log_offset":9007199254740991,'.length;

/** Lines of a record's bytes as they are, with its position in front. They lie side by side in memory, so that joining them copies nothing. */
function createEventLines(stream: Stream, records: readonly LogRecord[]): (record: LogRecord) => Line {
  let size = 0;
  for (const { value } of records) size += value.length + positionBytes;
  const all = Buffer.allocUnsafeSlow(size);
  let at = 0;
  return ({ offset, value }) => {
    const start = at;
    at += all.write(`{"log_stream":${stream},"log_offset":${offset},`, at, 'latin1');
    at += value.copy(all, at, 1);
    all[at++] = 0x0a;
    return { offset, bytes: all.subarray(start, at) };
  };
}

/** One text of all lines; without a copy where they lie side by side. */
export function joinLines(lines: readonly Line[]): Buffer {
  const [first] = lines;
  if (first === undefined) return Buffer.alloc(0);
  const { buffer, byteOffset } = first.bytes;
  let end = byteOffset;
  for (const { bytes } of lines) {
    if (bytes.buffer !== buffer || bytes.byteOffset !== end) return Buffer.concat(lines.map((line) => line.bytes));
    end += bytes.length;
  }
  return Buffer.from(buffer, byteOffset, end - byteOffset);
}

function toDeadLetter(
  stream: Stream,
  { offset, value }: LogRecord,
  facts: { project: string; messageId: string; receivedAt: number } | null,
  code: string,
  message: string,
): Line {
  return {
    offset,
    bytes: toLine({
      project: facts?.project ?? nobody,
      message_id: facts?.messageId ?? '',
      code,
      message,
      received_at: toStoredTime(facts?.receivedAt ?? 0),
      record: value.toString('utf8'),
      log_stream: stream,
      log_offset: offset,
    }),
  };
}

function toLine(row: Record<string, unknown>): Buffer {
  return Buffer.from(`${JSON.stringify(row)}\n`);
}

function tallyOf(tallies: Map<string, ProjectTally>, project: string): ProjectTally {
  let tally = tallies.get(project);
  if (!tally) {
    tally = { stored: 0, deduplicated: 0, deadLettered: 0, touches: new Set(), newestReceivedAt: 0, newestTime: 0 };
    tallies.set(project, tally);
  }
  return tally;
}
