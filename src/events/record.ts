import { crc32 } from 'node:zlib';
import { type Arrival, earliestTime, latestTime, type TrackedEvent } from './event.ts';
import { flattenList, hasDeepList } from './json.ts';
import type { RecordFacts } from './record-facts.ts';
import { createUsualReader } from './usual-record.ts';

/**
 * The form of an event in the log: one line of JSON, written once by the gateway. Its fields are the columns of the table
 * `events`, so that the warehouse reads the bytes as they are; those that the sink needs stand first, in this order, so
 * that it can read them without parsing the whole.
 */
const version = '{"v":1,"project":"';

export function encodeRecord(event: TrackedEvent, arrival: Arrival): Buffer {
  const content = encodeContent(event);
  const fingerprint = crc32(content);
  let line = `${version}${arrival.project}","key_id":"${arrival.keyId}","fingerprint":${fingerprint},"message_id":${JSON.stringify(event.messageId)},"received_at":"${toStoredTime(arrival.receivedAt)}","time":"${toStoredTime(clampTime(event.time))}"`;
  if (event.dead) line += `,"dead_code":"${event.dead.code}","dead_message":${JSON.stringify(event.dead.message)}`;
  if (event.sentAt !== null) line += `,"sent_at":"${toStoredTime(event.sentAt)}"`;
  line += `,${content}`;
  if (content.includes('[') && [event.properties, event.context, event.traits].some(hasDeepList))
    line += `,"flat":${encodeData(event, flattenList)}`;
  return Buffer.from(`${line}}`);
}

/** What the client said, without when it was sent: the same for every try to send it. */
function encodeContent(event: TrackedEvent): string {
  let content = `"kind":"${event.kind}","event":${JSON.stringify(event.event)}`;
  if (event.userId !== '') content += `,"user_id":${JSON.stringify(event.userId)}`;
  if (event.anonymousId !== '') content += `,"anonymous_id":${JSON.stringify(event.anonymousId)}`;
  if (event.groupId !== '') content += `,"group_id":${JSON.stringify(event.groupId)}`;
  if (event.previousId !== '') content += `,"previous_id":${JSON.stringify(event.previousId)}`;
  if (event.originalTimestamp !== null) content += `,"original_timestamp":"${toStoredTime(event.originalTimestamp)}"`;
  return `${content},"data":${encodeData(event)}`;
}

function encodeData({ properties, context, traits }: TrackedEvent, replacer?: typeof flattenList): string {
  let data = '{';
  let comma = '';
  if (properties) {
    data += `"properties":${JSON.stringify(properties, replacer)}`;
    comma = ',';
  }
  if (context) {
    data += `${comma}"context":${JSON.stringify(context, replacer)}`;
    comma = ',';
  }
  if (traits) data += `${comma}"traits":${JSON.stringify(traits, replacer)}`;
  return `${data}}`;
}

/** A person's key: a person's events, and every retry of one, meet in one partition by it. */
export function toRecordKey(project: string, userId: string, anonymousId: string): string {
  return userId === '' ? `${project}|a|${anonymousId}` : `${project}|u|${userId}`;
}

/** Whose a key is: room and turns in the log's queue are shared by projects. */
export function toKeyProject(key: string): string {
  const end = key.indexOf('|');
  return end < 0 ? key : key.slice(0, end);
}

/** Long enough for every prefix: a messageId of 100 characters takes at most 600 bytes of JSON. */
const prefixBytes = 1400;
const readUsual = createUsualReader(parseStoredTime);

/** Reads the facts of the record at start..end (exclusive) of these bytes; null when it is none of ours. */
export function readRecord(bytes: Buffer, start = 0, end = bytes.length): RecordFacts | null {
  return (
    readUsual(bytes, start, end) ??
    readPrefix(bytes.toString('utf8', start, Math.min(end, start + prefixBytes))) ??
    readWhole(bytes.toString('utf8', start, end))
  );
}

const fields =
  /^\{"v":1,"project":"([a-z0-9_-]+)","key_id":"([^"\\]*)","fingerprint":(\d{1,10}),"message_id":("(?:[^"\\]|\\.)*"),"received_at":"([^"]{23})","time":"([^"]{23})",("kind"|"sent_at"|"dead_code":"([A-Z_]+)","dead_message":("(?:[^"\\]|\\.)*"),)/;

function readPrefix(text: string): RecordFacts | null {
  const found = fields.exec(text);
  if (found === null) return null;
  const receivedAt = parseStoredTime(found[5] as string);
  const time = parseStoredTime(found[6] as string);
  if (Number.isNaN(receivedAt) || Number.isNaN(time)) return null;
  const dead = found[8] === undefined ? null : { code: found[8], message: unquote(found[9] as string) };
  return {
    project: found[1] as string,
    keyId: found[2] as string,
    messageId: unquote(found[4] as string),
    fingerprint: Number(found[3]),
    receivedAt,
    time,
    dead,
  };
}

function unquote(json: string): string {
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);
}

/** The slow way, for records that another version wrote in another order. */
function readWhole(text: string): RecordFacts | null {
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof row !== 'object' || row === null) return null;
  const { project, key_id, message_id: messageId, received_at, time, dead_code: code, dead_message: message } = row;
  if (typeof project !== 'string' || !/^[a-z0-9_-]{1,63}$/.test(project)) return null;
  if (typeof messageId !== 'string' || typeof received_at !== 'string' || typeof time !== 'string') return null;
  const times = [parseStoredTime(received_at), parseStoredTime(time)] as const;
  if (times.some(Number.isNaN)) return null;
  const dead = typeof code === 'string' ? { code, message: String(message ?? '') } : null;
  const keyId = typeof key_id === 'string' ? key_id : '';
  const fingerprint = Number.isInteger(row.fingerprint) ? Number(row.fingerprint) >>> 0 : 0;
  return { project, keyId, messageId, fingerprint, receivedAt: times[0], time: times[1], dead };
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

const zero = '0'.charCodeAt(0);
const digits = /^\d{3}$/;

/** The other way round, down to the minute. */
const minutes = new Map<string, number>();

/** NaN when it is none. */
export function parseStoredTime(text: string): number {
  if (text.length !== 23) return Number.NaN;
  const prefix = text.slice(0, 17);
  let start = minutes.get(prefix);
  if (start === undefined) {
    if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:$/.test(prefix)) return Number.NaN;
    start = Date.parse(`${prefix.slice(0, 10)}T${prefix.slice(11)}00Z`);
    if (minutes.size >= mostPrefixes) minutes.clear();
    minutes.set(prefix, start);
  }
  const tens = text.charCodeAt(17) - zero;
  const ones = text.charCodeAt(18) - zero;
  const milliseconds = Number(text.slice(20));
  const isTime = tens >= 0 && tens < 6 && ones >= 0 && ones < 10 && text[19] === '.' && digits.test(text.slice(20));
  return isTime ? start + (tens * 10 + ones) * 1000 + milliseconds : Number.NaN;
}

/** A dead letter's time may be anything; the row's must fit its column. */
function clampTime(time: number): number {
  return Math.min(Math.max(time, earliestTime), latestTime);
}
