import type { RecordFacts } from './record-facts.ts';

/**
 * Reads the front of a record byte by byte, where it is as nearly all are: of a write key that was met before, ASCII without
 * escapes, no dead letter, of a minute that was met just before. It makes one text, of the messageId.
 * What it cannot read says nothing about the record.
 */
export type UsualReader = (bytes: Buffer, start: number, end: number) => RecordFacts | null;

/** Everything in front of the fingerprint. */
interface Owner {
  readonly project: string;
  readonly keyId: string;
  readonly bytes: Uint8Array;
}

/** A minute, from the year down to the colon in front of the seconds. */
interface Minute {
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970. */
  readonly start: number;
}

const ownerText = /^\{"v":1,"project":"([a-z0-9_-]+)","key_id":"([ !#-[\]-~]*)","fingerprint":$/;
const longestOwner = 300;
const mostOwners = 1000;
/** Longer ones are read the other way: where it stops is not for this one to know. */
const longestId = 200;
const minuteBytes = 17;
const timeBytes = 23;

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const fingerprintName = '"fingerprint":';
const beforeId = ascii(',"message_id":"');
const beforeReceivedAt = ascii('","received_at":"');
const beforeTime = ascii('","time":"');
/** After both of them the rest is of no concern. */
const afterTime = [ascii('","kind"'), ascii('","sent_at"')] as const;

const [quote, backslash, dot, zero] = [0x22, 0x5c, 0x2e, 0x30] as const;

/** `parseTime` reads a time as it is stored; NaN when it is none. */
export function createUsualReader(parseTime: (text: string) => number): UsualReader {
  const owners = new Map<string, Owner>();
  let owner: Owner | null = null;
  const none: Minute = { bytes: new Uint8Array(minuteBytes), start: Number.NaN };
  /** Of the last receivedAt and the last time: an import's are far apart. */
  const minutes = [none, none];

  const findOwner = (value: Buffer, from: number, to: number): Owner | null => {
    const front = value.toString('latin1', from, Math.min(from + longestOwner, to));
    const name = front.indexOf(fingerprintName);
    if (name < 0) return null;
    const text = front.slice(0, name + fingerprintName.length);
    const known = owners.get(text);
    if (known) return known;
    const found = ownerText.exec(text);
    if (found === null) return null;
    if (owners.size >= mostOwners) owners.clear();
    const next = { project: found[1] as string, keyId: found[2] as string, bytes: ascii(text) };
    owners.set(text, next);
    return next;
  };

  /** Milliseconds since 1970; NaN when it is not usual. */
  const readTime = (value: Buffer, at: number, to: number, which: 0 | 1): number => {
    const { bytes, start } = minutes[which] as Minute;
    if (at + timeBytes > to) return Number.NaN;
    if (!has(value, at, to, bytes)) return readOtherMinute(value, at, which);
    const tens = (value[at + 17] as number) - zero;
    const ones = (value[at + 18] as number) - zero;
    const a = (value[at + 20] as number) - zero;
    const b = (value[at + 21] as number) - zero;
    const c = (value[at + 22] as number) - zero;
    const isTime = isDigit(tens) && tens < 6 && isDigit(ones) && isDigit(a) && isDigit(b) && isDigit(c);
    if (!isTime || value[at + 19] !== dot) return Number.NaN;
    return start + tens * 10_000 + ones * 1000 + a * 100 + b * 10 + c;
  };

  const readOtherMinute = (value: Buffer, at: number, which: 0 | 1): number => {
    const text = value.toString('latin1', at, at + timeBytes);
    const time = parseTime(text);
    if (Number.isNaN(time)) return time;
    const start = time - Math.round(Number(text.slice(minuteBytes)) * 1000);
    minutes[which] = { bytes: ascii(text.slice(0, minuteBytes)), start };
    return time;
  };

  return (value, from, end) => {
    if (owner === null || !has(value, from, end, owner.bytes)) owner = findOwner(value, from, end);
    if (owner === null) return null;
    const { project, keyId, bytes } = owner;
    let at = from + bytes.length;

    let fingerprint = 0;
    const firstDigit = at;
    for (; at < end; at++) {
      const digit = (value[at] as number) - zero;
      if (!isDigit(digit)) break;
      fingerprint = fingerprint * 10 + digit;
    }
    if (at === firstDigit || at > firstDigit + 10 || !has(value, at, end, beforeId)) return null;

    const id = at + beforeId.length;
    const idEnd = Math.min(end, id + longestId);
    for (at = id; at < idEnd; at++) {
      const byte = value[at] as number;
      if (byte === quote) break;
      if (byte < 0x20 || byte > 0x7e || byte === backslash) return null;
    }
    const idLast = at;
    if (!has(value, at, end, beforeReceivedAt)) return null;

    at += beforeReceivedAt.length;
    const receivedAt = readTime(value, at, end, 0);
    at += timeBytes;
    if (Number.isNaN(receivedAt) || !has(value, at, end, beforeTime)) return null;
    at += beforeTime.length;
    const time = readTime(value, at, end, 1);
    at += timeBytes;
    if (Number.isNaN(time) || !(has(value, at, end, afterTime[0]) || has(value, at, end, afterTime[1]))) return null;
    const messageId = value.toString('latin1', id, idLast);
    return { project, keyId, messageId, fingerprint, receivedAt, time, dead: null };
  };
}

function has(value: Buffer, at: number, to: number, bytes: Uint8Array): boolean {
  const length = bytes.length;
  if (at + length > to) return false;
  for (let i = 0; i < length; i++) if (value[at + i] !== bytes[i]) return false;
  return true;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}
