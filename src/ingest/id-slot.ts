import { hash, randomBytes } from 'node:crypto';

/**
 * What is kept of a messageId: four words, of which the first three are 96 bits of a keyed hash, and the last says in
 * which hour the event was received (20 bits) and what was in it (12 bits of its fingerprint). The key is this process's
 * own, so that nobody can make two ids that fall together: the second one would be lost as a repeat.
 */
export const slotWords = 4;

const hourMs = 3_600_000;
const hourBits = 12;
const lastHour = 2 ** 20 - 1;

/** Hours since 1970, never 0: a last word of 0 is an empty slot. */
export function toHour(milliseconds: number): number {
  return Math.min(Math.max(1, Math.floor(milliseconds / hourMs)), lastHour);
}

/** Milliseconds since 1970. */
export function toHourStart(hour: number): number {
  return hour * hourMs;
}

export function toSeen(hour: number, fingerprint: number): number {
  return ((hour << hourBits) | (fingerprint & 0xfff)) >>> 0;
}

export function toSeenHour(seen: number): number {
  return seen >>> hourBits;
}

/** Of 4,096 payloads that differ from the first one, one is taken for the same. */
export function isSamePayload(seen: number, fingerprint: number): boolean {
  return (seen & 0xfff) === (fingerprint & 0xfff);
}

export function createSlotKey(): string {
  return randomBytes(16).toString('hex');
}

interface SlotFacts {
  readonly project: string;
  readonly messageId: string;
  readonly receivedAt: number;
  readonly fingerprint: number;
}

export function writeSlot(slots: Uint32Array, at: number, key: string, facts: SlotFacts): void {
  // As text: a buffer for each would cost more than the digest.
  const digest = hash('sha256', `${key}${facts.project}\0${facts.messageId}`, 'binary');
  slots[at] = toWord(digest, 0);
  slots[at + 1] = toWord(digest, 4);
  slots[at + 2] = toWord(digest, 8);
  slots[at + 3] = toSeen(toHour(facts.receivedAt), facts.fingerprint);
}

/** Four bytes of a text of bytes as a number. */
function toWord(bytes: string, at: number): number {
  return (
    bytes.charCodeAt(at) |
    (bytes.charCodeAt(at + 1) << 8) |
    (bytes.charCodeAt(at + 2) << 16) |
    (bytes.charCodeAt(at + 3) << 24)
  );
}

/** The same slot, of a row and made by the warehouse; `key` is a parameter. */
export const slotSql = `concat(
  substring(SHA256(concat({key:String}, project, '\\0', message_id)), 1, 12),
  reinterpretAsFixedString(bitOr(
    bitShiftLeft(toUInt32(least(greatest(intDiv(toUnixTimestamp64Milli(received_at), ${hourMs}), 1), ${lastHour})), ${hourBits}),
    bitAnd(fingerprint, 4095))))`;

/** Slots from their bytes, in the order of words that x86, ARM and the warehouse share. */
export function readSlots(base64: string): Uint32Array {
  const bytes = Buffer.from(base64, 'base64');
  const slots = new Uint32Array(Math.floor(bytes.length / (slotWords * 4)) * slotWords);
  new Uint8Array(slots.buffer).set(bytes.subarray(0, slots.byteLength));
  return slots;
}

/** The other way round: what a warehouse that holds these rows would answer. */
export function encodeSlots(key: string, rows: readonly SlotFacts[]): string {
  const slots = new Uint32Array(rows.length * slotWords);
  for (const [i, row] of rows.entries()) writeSlot(slots, i * slotWords, key, row);
  return Buffer.from(slots.buffer).toString('base64');
}
