import { fromLogPartition, historyLane } from '../../events/position.ts';
import { toKeyProject } from '../../events/record.ts';
import type { NewRecord } from '../../ports/event-log.ts';
import { findLargest, toRoom } from './room.ts';

/** One append that waits. */
export interface Queued {
  /** Who shares: see toSharer. */
  readonly sharer: string;
  readonly records: readonly NewRecord[];
  /** See toQueuedBytes. */
  readonly bytes: number;
}

export interface FairQueueOptions<Item> {
  /** Most bytes that wait or are on their way, all lanes together. */
  readonly maxBytes: number;
  /** What a project may send before it is the next one's turn, in bytes: a small part of what is sent at once. */
  readonly turnBytes: number;
  /** Something that waits was given up to make room for another project. */
  readonly onPushedOut: (item: Item) => void;
}

/** What waits for one writer: a partition, a disk. */
export interface FairLane<Item> {
  /** Of what waits. */
  readonly bytes: number;
  readonly records: number;
  push(item: Item): void;
  /**
   * Whether so many bytes of this project are taken now, so that no more than `maxWaiting` wait in this lane; what waits alone is taken in any
   * case. When they are, this may have pushed out others.
   */
  makeRoom(sharer: string, bytes: number, maxWaiting: number): boolean;
  /** Takes what goes next, project by project in turn, as long as `fits`. Its bytes count until they are released. */
  take(fits: (item: Item) => boolean): Item[];
  /** Takes out what has waited longest in its project, for as long as it is unwanted, and releases it. */
  remove(isUnwanted: (item: Item) => boolean): Item[];
}

export interface FairQueue<Item> {
  /** Bytes that wait or are on their way. */
  readonly bytes: number;
  openLane(): FairLane<Item>;
  release(items: readonly Item[]): void;
}

/** What is added to a record's own bytes, about. */
const overheadBytes = 16;

/** Of one project, in one lane. Taken from the front, pushed out at the end. */
interface Line<Item> {
  readonly owner: Owner<Item>;
  readonly lane: LaneTotals;
  /** Those before `first` have been taken, and are forgotten. */
  items: (Item | undefined)[];
  first: number;
  bytes: number;
  /** Bytes that it may still send in its turn; what it cannot use is kept for the next one, while something waits. */
  credit: number;
  inTurn: boolean;
  /** Removes it from its lane. */
  readonly leave: () => void;
}

interface LaneTotals {
  bytes: number;
  records: number;
}

/** A project that holds bytes. */
interface Owner<Item> {
  /** Waiting or on their way. */
  bytes: number;
  waiting: number;
  readonly lines: Set<Line<Item>>;
}

/** A project; its history shares as another one, so that an import does not take the room of its live events. */
export function toSharer(partition: number, records: readonly NewRecord[]): string {
  const project = toKeyProject(records[0]?.key ?? '');
  return fromLogPartition(partition).lane === historyLane ? `${project}|history` : project;
}

export function toQueuedBytes(records: readonly NewRecord[]): number {
  let bytes = 0;
  for (const { key, value } of records) bytes += key.length + value.length + overheadBytes;
  return bytes;
}

/**
 * A queue of bounded size that projects share fairly, in two ways.
 *
 * Room, of a lane and of all, is shared by the max-min rule. While there is room everybody gets it, so a project that is alone
 * may have all. When there is none, an append is taken only if its project, with it, would hold less than another one: then the
 * newest of what waits of the largest gives way. Otherwise it is refused. So nobody is refused who would hold no more than an equal
 * share, as long as something waits that can give way, and what small projects leave over goes to the large ones.
 *
 * Turns are shared by deficit round robin over bytes: a project's first append waits for one turn of each other project
 * and not for all that they have. The order within a project and a lane is that of the pushes.
 */
export function createFairQueue<Item extends Queued>({
  maxBytes,
  turnBytes,
  onPushedOut,
}: FairQueueOptions<Item>): FairQueue<Item> {
  const owners = new Map<string, Owner<Item>>();
  let held = 0;

  function ownerOf(sharer: string): Owner<Item> {
    let owner = owners.get(sharer);
    if (!owner) {
      owner = { bytes: 0, waiting: 0, lines: new Set() };
      owners.set(sharer, owner);
    }
    return owner;
  }

  function pushOut(line: Line<Item>): void {
    const item = line.items.pop() as Item;
    forget(line, item);
    release([item]);
    onPushedOut(item);
  }

  /** It has been taken out of its line. */
  function forget(line: Line<Item>, { bytes, records }: Item): void {
    line.bytes -= bytes;
    line.lane.bytes -= bytes;
    line.lane.records -= records.length;
    line.owner.waiting -= bytes;
    if (line.first < line.items.length) return;
    line.owner.lines.delete(line);
    line.leave();
  }

  function shift(line: Line<Item>): Item {
    const item = line.items[line.first] as Item;
    line.items[line.first++] = undefined;
    if (line.first > 1000 && line.first * 2 > line.items.length) {
      line.items = line.items.slice(line.first);
      line.first = 0;
    }
    forget(line, item);
    return item;
  }

  function release(items: readonly Item[]): void {
    for (const { sharer, bytes } of items) {
      const owner = owners.get(sharer) as Owner<Item>;
      held -= bytes;
      owner.bytes -= bytes;
      if (owner.bytes === 0 && owner.lines.size === 0) owners.delete(sharer);
    }
  }

  function openLane(): FairLane<Item> {
    /** In the order of their turns: the first one's turn is now. */
    const lines = new Map<string, Line<Item>>();
    const totals: LaneTotals = { bytes: 0, records: 0 };

    function lineOf(sharer: string): Line<Item> {
      let line = lines.get(sharer);
      if (!line) {
        const owner = ownerOf(sharer);
        const leave = () => lines.delete(sharer);
        line = { owner, lane: totals, items: [], first: 0, bytes: 0, credit: 0, inTurn: false, leave };
        lines.set(sharer, line);
        owner.lines.add(line);
      }
      return line;
    }

    function makeRoom(sharer: string, bytes: number, maxWaiting: number): boolean {
      // A bound that has fallen below what waits lets nobody wait longer, and gives up nothing that does.
      const most = Math.max(maxWaiting, bytes, totals.bytes);
      if (totals.bytes + bytes <= most && held + bytes <= maxBytes) return true;
      const ownLine = (lines.get(sharer)?.bytes ?? 0) + bytes;
      const own = (owners.get(sharer)?.bytes ?? 0) + bytes;
      // Nothing is pushed out in vain.
      if (toRoom(lines.values(), most - totals.bytes, ownLine) < bytes) return false;
      if (toRoom(owners.values(), maxBytes - held, own) < bytes) return false;
      while (totals.bytes + bytes > most) {
        const longest = findLargest(lines.values(), ownLine);
        if (!longest) return false;
        pushOut(longest);
      }
      while (held + bytes > maxBytes) {
        const largest = findLargest(owners.values(), own);
        const longest = largest && findLargest(largest.lines, 0);
        if (!longest) return false;
        pushOut(longest);
      }
      return true;
    }

    function take(fits: (item: Item) => boolean): Item[] {
      const taken: Item[] = [];
      for (let entry = first(lines); entry; entry = first(lines)) {
        const [sharer, line] = entry;
        if (!line.inTurn) line.credit += turnBytes;
        line.inTurn = true;
        for (let next = line.items[line.first]; next && next.bytes <= line.credit; next = line.items[line.first]) {
          if (!fits(next)) return taken;
          line.credit -= next.bytes;
          taken.push(shift(line));
        }
        line.inTurn = false;
        // The next one's turn; who has sent everything has left already.
        if (lines.delete(sharer)) lines.set(sharer, line);
      }
      return taken;
    }

    return {
      get bytes() {
        return totals.bytes;
      },
      get records() {
        return totals.records;
      },
      push(item) {
        const line = lineOf(item.sharer);
        line.items.push(item);
        line.bytes += item.bytes;
        line.owner.bytes += item.bytes;
        line.owner.waiting += item.bytes;
        totals.bytes += item.bytes;
        totals.records += item.records.length;
        held += item.bytes;
      },
      makeRoom,
      take,
      remove(isUnwanted) {
        const removed: Item[] = [];
        for (const line of [...lines.values()]) {
          for (let next = line.items[line.first]; next && isUnwanted(next); next = line.items[line.first]) {
            removed.push(shift(line));
          }
        }
        release(removed);
        return removed;
      },
    };
  }

  return {
    get bytes() {
      return held;
    },
    openLane,
    release,
  };
}

function first<Key, Value>(map: ReadonlyMap<Key, Value>): [Key, Value] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
