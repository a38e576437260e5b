import { type Arrival, earliestTime, latestTime, type TrackedEvent } from './event.ts';

/**
 * The form of an event in the log: one line of JSON, written once by the gateway. Its fields are the columns of the table
 * `events`, so that the warehouse reads the bytes as they are; those that the sink needs stand first, in this order, so
 * that it can read them without parsing the whole.
 */
const version = '{"v":1,"project":"';

export function encodeRecord(event: TrackedEvent, arrival: Arrival): Buffer {
  let line = `${version}${arrival.project}","message_id":${JSON.stringify(event.messageId)},"received_at":"${toStoredTime(arrival.receivedAt)}","time":"${toStoredTime(clampTime(event.time))}"`;
  if (event.dead) line += `,"dead_code":"${event.dead.code}","dead_message":${JSON.stringify(event.dead.message)}`;
  line += `,"kind":"${event.kind}","event":${JSON.stringify(event.event)},"key_id":"${arrival.keyId}"`;
  if (event.userId !== '') line += `,"user_id":${JSON.stringify(event.userId)}`;
  if (event.anonymousId !== '') line += `,"anonymous_id":${JSON.stringify(event.anonymousId)}`;
  if (event.groupId !== '') line += `,"group_id":${JSON.stringify(event.groupId)}`;
  if (event.previousId !== '') line += `,"previous_id":${JSON.stringify(event.previousId)}`;
  if (event.originalTimestamp !== null) line += `,"original_timestamp":"${toStoredTime(event.originalTimestamp)}"`;
  if (event.sentAt !== null) line += `,"sent_at":"${toStoredTime(event.sentAt)}"`;
  line += ',"data":{';
  let comma = '';
  if (event.properties) {
    line += `"properties":${JSON.stringify(event.properties)}`;
    comma = ',';
  }
  if (event.context) {
    line += `${comma}"context":${JSON.stringify(event.context)}`;
    comma = ',';
  }
  if (event.traits) line += `${comma}"traits":${JSON.stringify(event.traits)}`;
  return Buffer.from(`${line}}}`);
}

/** A person's key: a person's events, and every retry of one, meet in one partition by it. */
export function toRecordKey(project: string, userId: string, anonymousId: string): string {
  return userId === '' ? `${project}|a|${anonymousId}` : `${project}|u|${userId}`;
}

/** What the sink needs to know of a record. Times are milliseconds since 1970. */
export interface RecordFacts {
  readonly project: string;
  readonly messageId: string;
  readonly receivedAt: number;
  readonly time: number;
  readonly dead: { readonly code: string; readonly message: string } | null;
}

/** Long enough for every prefix: a messageId of 100 characters takes at most 600 bytes of JSON. */
const prefixBytes = 1400;

/** Reads the facts of a record; null when it is none of ours. */
export function readRecord(value: Buffer): RecordFacts | null {
  const text = value.toString('utf8', 0, Math.min(value.length, prefixBytes));
  return readPrefix(text) ?? readWhole(value);
}

const fields =
  /^\{"v":1,"project":"([a-z0-9_-]+)","message_id":("(?:[^"\\]|\\.)*"),"received_at":"([^"]{23})","time":"([^"]{23})",("kind"|"dead_code":"([A-Z_]+)","dead_message":("(?:[^"\\]|\\.)*"),)/;

function readPrefix(text: string): RecordFacts | null {
  const found = fields.exec(text);
  if (found === null) return null;
  const receivedAt = parseStoredTime(found[3] as string);
  const time = parseStoredTime(found[4] as string);
  if (Number.isNaN(receivedAt) || Number.isNaN(time)) return null;
  const dead = found[6] === undefined ? null : { code: found[6], message: unquote(found[7] as string) };
  return { project: found[1] as string, messageId: unquote(found[2] as string), receivedAt, time, dead };
}

function unquote(json: string): string {
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);
}

/** The slow way, for records that another version wrote in another order. */
function readWhole(value: Buffer): RecordFacts | null {
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(value.toString());
  } catch {
    return null;
  }
  if (typeof row !== 'object' || row === null) return null;
  const { project, message_id: messageId, received_at, time, dead_code: code, dead_message: message } = row;
  if (typeof project !== 'string' || !/^[a-z0-9_-]{1,63}$/.test(project)) return null;
  if (typeof messageId !== 'string' || typeof received_at !== 'string' || typeof time !== 'string') return null;
  const times = [parseStoredTime(received_at), parseStoredTime(time)] as const;
  if (times.some(Number.isNaN)) return null;
  const dead = typeof code === 'string' ? { code, message: String(message ?? '') } : null;
  return { project, messageId, receivedAt: times[0], time: times[1], dead };
}

const minute = 60_000;
/** Everything down to the minute, by minutes since 1970: an event has three times, and most of them are about now. */
const prefixes = new Map<number, string>();
const mostPrefixes = 1000;

/** Milliseconds since 1970 as ClickHouse reads them fastest: 2026-03-01 12:00:00.000, in UTC. */
export function toStoredTime(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / minute);
  let prefix = prefixes.get(minutes);
  if (prefix === undefined) {
    const iso = new Date(milliseconds).toISOString();
    prefix = `${iso.slice(0, 10)} ${iso.slice(11, 17)}`;
    if (prefixes.size >= mostPrefixes) prefixes.clear();
    prefixes.set(minutes, prefix);
  }
  const rest = milliseconds - minutes * minute;
  return `${prefix}${rest < 10_000 ? '0' : ''}${(rest / 1000).toFixed(3)}`;
}

/** NaN when it is none. */
export function parseStoredTime(text: string): number {
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(text)
    ? Date.parse(`${text.slice(0, 10)}T${text.slice(11)}Z`)
    : Number.NaN;
}

/** A dead letter's time may be anything; the row's must fit its column. */
function clampTime(time: number): number {
  return Math.min(Math.max(time, earliestTime), latestTime);
}
