import { xxh3 } from '@node-rs/xxhash';
import type { Stream } from '../events/position.ts';
import { readRecord, toStoredTime } from '../events/record.ts';
import type { RecordFacts } from '../events/record-facts.ts';
import { toTouch } from '../events/touch.ts';
import type { LogRecord } from '../ports/event-log.ts';
import { toTombstone } from './deletion/tombstone.ts';
import { type Facts, type Owner, slice, unreadable } from './facts.ts';
import { type Place, toBytes, toRuns } from './place.ts';
import type { Verdict } from './repeats.ts';

/** A line of JSONEachRow for one record of the log. */
export interface Line extends Place {
  readonly offset: number;
}

/** What a batch became, for one write key of one project. */
export interface Tally {
  readonly project: string;
  readonly keyId: string;
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
  /** In place of records whose person was deleted since they were stored first. They are counted as what they were. */
  readonly tombstones: readonly Line[];
  readonly tallies: readonly Tally[];
  /** Repeats with something else in them than the first one. */
  readonly conflicts: number;
}

const noneDeleted: ReadonlyMap<number, string> = new Map();
const newline = 0x0a;
const comma = 0x2c;
const zero = 0x30;

/** Whose records cannot be read: no credential has it. */
const nobody = { project: '', keyId: '', messageId: '', fingerprint: 0, receivedAt: 0 };

/** Makes of every record what its verdict says, in order. `allocate` answers memory for the lines of events. */
export async function decideBatch(
  stream: Stream,
  records: readonly LogRecord[],
  facts: Facts,
  verdicts: readonly (Verdict | null)[],
  allocate: (size: number) => Buffer = Buffer.allocUnsafeSlow,
  deleted: ReadonlyMap<number, string> = noneDeleted,
): Promise<Batch> {
  const tallies = facts.owners.map(toTally);
  let strays: Tally | null = null;
  const toEventLine = createEventLines(stream, records, allocate);
  const events = new Array<Line>(records.length);
  let stored = 0;
  const repeats: Line[] = [];
  const deadLetters: Line[] = [];
  const tombstones: Line[] = [];
  let conflicts = 0;
  for (let i = 0; i < records.length; i++) {
    if (i % slice === slice - 1) await new Promise((resolve) => setImmediate(resolve));
    const record = records[i]!;
    const owner = facts.owner[i] as number;
    if (owner === unreadable) {
      strays ??= toTally(nobody);
      strays.deadLettered++;
      const message = 'expected a record of this service, got something else';
      deadLetters.push(toDeadLetter(stream, record, null, 'UNREADABLE', message));
      continue;
    }
    const tally = tallies[owner] as Tally;
    const receivedAt = facts.receivedAt[i] as number;
    const verdict = verdicts[i];
    const deletion = deleted.get(record.offset);
    if (receivedAt > tally.newestReceivedAt) tally.newestReceivedAt = receivedAt;
    if (verdict !== 'new') {
      if (verdict === 'conflict') conflicts++;
      tally.deduplicated++;
      repeats.push(toRepeat(stream, record.offset, facts.at(i)!, verdict === 'conflict'));
    } else if (facts.dead[i] === 1) {
      const known = facts.at(i)!;
      tally.deadLettered++;
      if (deletion !== undefined) tombstones.push(toGrave(stream, record.offset, known, deletion));
      else deadLetters.push(toDeadLetter(stream, record, known, known.dead!.code, known.dead!.message));
    } else {
      const time = facts.time[i] as number;
      tally.stored++;
      tally.touches.add(toTouch(time, receivedAt));
      if (time > tally.newestTime) tally.newestTime = time;
      if (deletion !== undefined) tombstones.push(toGrave(stream, record.offset, facts.at(i)!, deletion));
      else events[stored++] = toEventLine(record);
    }
  }
  events.length = stored;
  return {
    stream,
    first: records[0]!.offset,
    last: records[records.length - 1]!.offset,
    token: toToken(stream, records),
    events,
    repeats,
    deadLetters,
    tombstones,
    tallies: strays === null ? tallies : [...tallies, strays],
    conflicts,
  };
}

/** Names a range by its place and its raw content. */
export function toToken(stream: Stream, records: readonly LogRecord[]): string {
  const digest = xxh3.Xxh3.withSeed();
  for (const run of toRuns(records)) digest.update(run);
  return `${stream}:${records[0]!.offset}-${records[records.length - 1]!.offset}:${digest.digest().toString(16)}`;
}

/** The same batch with some of its events kept aside, since the warehouse refuses them. */
export function setAside(batch: Batch, records: readonly LogRecord[], refused: ReadonlyMap<number, string>): Batch {
  const deadLetters = [...batch.deadLetters];
  const tallies = batch.tallies.map((tally) => ({ ...tally }));
  for (const record of records) {
    const message = refused.get(record.offset);
    if (message === undefined) continue;
    const facts = readRecord(record.bytes, record.start, record.end);
    const { project, keyId } = facts ?? nobody;
    const tally = tallies.find((each) => each.project === project && each.keyId === keyId)!;
    tally.stored--;
    tally.deadLettered++;
    deadLetters.push(toDeadLetter(batch.stream, record, facts, 'NOT_STORABLE', message));
  }
  return { ...batch, events: batch.events.filter(({ offset }) => !refused.has(offset)), deadLetters, tallies };
}

/** Longest offset that there is, with the brace that the text in front of it takes the place of and the end of the line. */
const offsetBytes = 17;

/** Lines of a record's bytes as they are, with its position in front. They lie side by side in memory, so that joining them copies nothing. */
function createEventLines(
  stream: Stream,
  records: readonly LogRecord[],
  allocate: (size: number) => Buffer,
): (record: LogRecord) => Line {
  const front = Buffer.from(`{"log_stream":${stream},"log_offset":`);
  let size = 0;
  for (const record of records) size += record.end - record.start + front.length + offsetBytes;
  const bytes = allocate(size);
  let at = 0;
  return ({ offset, bytes: value, start: from, end: to }) => {
    const start = at;
    for (let i = 0; i < front.length; i++) bytes[at++] = front[i] as number;
    at = writeNumber(bytes, at, offset);
    value.copy(bytes, at, from, to);
    bytes[at] = comma;
    at += to - from;
    bytes[at++] = newline;
    return { offset, bytes, start, end: at };
  };
}

/** In decimal; answers where it ends. */
function writeNumber(bytes: Buffer, at: number, number: number): number {
  let end = at + 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) end++;
  let rest = number;
  for (let i = end - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    bytes[i] = zero + rest - next * 10;
    rest = next;
  }
  return end;
}

/** One text of all lines; without a copy where they lie side by side. */
export function joinLines(lines: readonly Line[]): Buffer {
  const [first] = lines;
  if (first === undefined) return Buffer.alloc(0);
  let { start: end } = first;
  for (const line of lines) {
    if (line.bytes !== first.bytes || line.start !== end) return Buffer.concat(lines.map(toBytes));
    end = line.end;
  }
  return first.bytes.subarray(first.start, end);
}

export function toDeadLetter(
  stream: Stream,
  record: LogRecord,
  facts: RecordFacts | null,
  code: string,
  message: string,
): Line {
  const { project, keyId, messageId, fingerprint, receivedAt } = facts ?? nobody;
  return toLine(record.offset, {
    project,
    key_id: keyId,
    message_id: messageId,
    fingerprint,
    code,
    message,
    received_at: toStoredTime(receivedAt),
    record: toBytes(record).toString('utf8'),
    log_stream: stream,
    log_offset: record.offset,
  });
}

export function toRepeat(stream: Stream, offset: number, facts: RecordFacts, conflict: boolean): Line {
  const { project, keyId, messageId, fingerprint, receivedAt } = facts;
  return toLine(offset, {
    project,
    key_id: keyId,
    message_id: messageId,
    fingerprint,
    conflict,
    received_at: toStoredTime(receivedAt),
    log_stream: stream,
    log_offset: offset,
  });
}

function toGrave(stream: Stream, offset: number, facts: RecordFacts, deletion: string): Line {
  const { project, dead, time, ...more } = facts;
  const was = dead === null ? 'event' : 'dead_letter';
  const doomed = { offset, ...more, time: dead === null ? time : null, was } as const;
  return toTextLine(offset, toTombstone(stream, { project, deletion }, doomed));
}

function toLine(offset: number, row: Record<string, unknown>): Line {
  return toTextLine(offset, `${JSON.stringify(row)}\n`);
}

function toTextLine(offset: number, text: string): Line {
  const bytes = Buffer.from(text);
  return { offset, bytes, start: 0, end: bytes.length };
}

function toTally({ project, keyId }: Owner): Tally {
  return {
    project,
    keyId,
    stored: 0,
    deduplicated: 0,
    deadLettered: 0,
    touches: new Set(),
    newestReceivedAt: 0,
    newestTime: 0,
  };
}
