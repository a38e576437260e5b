import { readRecord } from '../events/record.ts';
import type { RecordFacts } from '../events/record-facts.ts';
import type { LogRecord } from '../ports/event-log.ts';
import { slotWords, writeSlot } from './id-slot.ts';
import { toBytes, toRuns } from './place.ts';

/** Whom a record came from. */
export interface Owner {
  readonly project: string;
  readonly keyId: string;
}

/**
 * What the records of a batch say of themselves, as columns: an object for each of them would live through many garbage
 * collections, which copy it every time.
 */
export interface Facts {
  readonly length: number;
  /** Place in `owners`; `unreadable` for a record that cannot be read, of which nothing else is known. */
  readonly owner: Uint32Array;
  readonly owners: readonly Owner[];
  /** Milliseconds since 1970. */
  readonly receivedAt: Float64Array;
  readonly time: Float64Array;
  /** 1 for what has to be kept aside. */
  readonly dead: Uint8Array;
  /** The slots of their ids by the key that was handed in; see id-slot.ts. */
  readonly slots: Uint32Array;
  /** Everything that a record says, read once more; null where it cannot be read. */
  at(i: number): RecordFacts | null;
}

export const unreadable = 0xffff_ffff;

const newline = 0x0a;
/** Records after which others get their turn: a full batch is too much for one. */
export const slice = 4096;

/** `slotKey`: makes the slots of their ids, too. */
export async function readFacts(records: readonly LogRecord[], slotKey: string | null = null): Promise<Facts> {
  const length = records.length;
  const owner = new Uint32Array(length);
  const owners: Owner[] = [];
  const receivedAt = new Float64Array(length);
  const time = new Float64Array(length);
  const dead = new Uint8Array(length);
  const slots = new Uint32Array(slotKey === null ? 0 : length * slotWords);
  // A record is one line: what has more would be taken for more rows.
  let isSuspicious = false;
  for (const run of toRuns(records)) isSuspicious ||= run.includes(newline);
  const at = (i: number): RecordFacts | null => {
    const record = records[i] as LogRecord;
    if (isSuspicious && toBytes(record).includes(newline)) return null;
    return readRecord(record.bytes, record.start, record.end);
  };
  const placeOf = createOwnerPlaces(owners);
  for (let i = 0; i < length; i++) {
    if (i % slice === slice - 1) await new Promise((resolve) => setImmediate(resolve));
    const facts = at(i);
    if (facts === null) {
      owner[i] = unreadable;
      continue;
    }
    owner[i] = placeOf(facts);
    receivedAt[i] = facts.receivedAt;
    time[i] = facts.time;
    if (facts.dead !== null) dead[i] = 1;
    if (slotKey !== null) writeSlot(slots, i * slotWords, slotKey, facts);
  }
  return { length, owner, owners, receivedAt, time, dead, slots, at };
}

function createOwnerPlaces(owners: Owner[]): (owner: Owner) => number {
  const places = new Map<string, number>();
  let last = -1;
  return ({ project, keyId }) => {
    const before = owners[last];
    if (before?.project === project && before.keyId === keyId) return last;
    const name = `${project}|${keyId}`;
    last = places.get(name) ?? owners.push({ project, keyId }) - 1;
    places.set(name, last);
    return last;
  };
}
