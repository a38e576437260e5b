import { mkdirSync } from 'node:fs';
import { type Database, open } from 'lmdb';
import { TallygateError, toMessage } from '../../errors.ts';
import type { Commit } from '../../ports/event-log.ts';
import { type Chunk, parseChunk, toFirstOffset, toKey, writeChunks } from './chunk.ts';
import { createRoomCheck } from './room.ts';

export interface PartitionValues {
  readonly partition: number;
  readonly first: number;
  readonly values: readonly Buffer[];
}

export type ChunkStore = ReturnType<typeof openChunkStore>;

/**
 * Chunks and commits on disk. A write that resolves is durable: without overlappingSync LMDB commits by writing pages,
 * fdatasync, and the new root through O_DSYNC, and the promise comes after all three. Writes are made with `batch` and
 * without eventTurnBatching, because of all of lmdb-js's ways only this one leaves no rejected promise behind when a
 * disk is full.
 */
export function openChunkStore(path: string, wantedPartitions: number) {
  mkdirSync(path, { recursive: true });
  const assertRoom = createRoomCheck(path);
  const env = open({ path, overlappingSync: false, eventTurnBatching: false, noMemInit: true, maxDbs: 4 });
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const chunks: Database<Buffer, Buffer> = env.openDB('chunks', binary);
  const commits: Database<string, string> = env.openDB('commits', { encoding: 'string' });
  const facts: Database<string, string> = env.openDB('facts', { encoding: 'string' });
  const partitions = Number(facts.get('partitions') ?? wantedPartitions);

  function chunkAt(partition: number, first: number): Chunk | undefined {
    const stored = chunks.getBinary(toKey(partition, first));
    return stored && parseChunk(first, stored);
  }

  function nearest(partition: number, start: number, end: number, reverse: boolean): number | undefined {
    const range = { start: toKey(partition, start), end: toKey(partition, end), inclusiveEnd: true, reverse, limit: 1 };
    for (const key of chunks.getKeys(range)) return toFirstOffset(key);
    return undefined;
  }

  const lastOffset = 2 ** 48 - 1;
  return {
    partitions,
    chunkAt,
    /** The chunk that holds the offset, or else the first one after it. */
    chunkFrom(partition: number, offset: number): Chunk | undefined {
      const before = nearest(partition, offset, 0, true);
      const holding = before === undefined ? undefined : chunkAt(partition, before);
      if (holding && holding.first + holding.count > offset) return holding;
      const after = nearest(partition, offset, lastOffset, false);
      return after === undefined ? undefined : chunkAt(partition, after);
    },
    /** Offset of the oldest record that is kept. */
    begin: (partition: number): number => nearest(partition, 0, lastOffset, false) ?? 0,
    end(partition: number): number {
      const first = nearest(partition, lastOffset, 0, true);
      const last = first === undefined ? undefined : chunkAt(partition, first);
      return last ? last.first + last.count : 0;
    },
    async append(batch: readonly PartitionValues[], now: number): Promise<unknown> {
      let bytes = 0;
      for (const { values } of batch) for (const value of values) bytes += value.length;
      assertRoom(bytes);
      return settled(
        chunks.batch(() => {
          for (const { partition, first, values } of batch) {
            writeChunks(values, first, now, (offset, chunk) => void chunks.put(toKey(partition, offset), chunk));
          }
        }),
      );
    },
    async remove(partition: number, firsts: readonly number[]): Promise<unknown> {
      assertRoom(0);
      return settled(
        chunks.batch(() => {
          for (const first of firsts) void chunks.remove(toKey(partition, first));
        }),
      );
    },
    readCommit(group: string, partition: number): Commit | undefined {
      const stored = commits.get(commitKey(group, partition));
      return stored === undefined ? undefined : (JSON.parse(stored) as Commit);
    },
    async writeCommit(group: string, partition: number, { next, end }: Commit): Promise<unknown> {
      assertRoom(0);
      return settled(commits.batch(() => void commits.put(commitKey(group, partition), JSON.stringify({ next, end }))));
    },
    /** The smallest `next` of all groups; undefined when no group has begun yet. */
    smallestNext(partition: number): number | undefined {
      let smallest: number | undefined;
      for (const { key, value } of commits.getRange({})) {
        if (!String(key).endsWith(`/${partition}`)) continue;
        const { next } = JSON.parse(value) as Commit;
        smallest = Math.min(smallest ?? next, next);
      }
      return smallest;
    },
    writeFacts: async (): Promise<unknown> =>
      settled(facts.batch(() => void facts.put('partitions', String(partitions)))),
    close: (): Promise<void> => env.close(),
  };
}

function commitKey(group: string, partition: number): string {
  return `${group}/${partition}`;
}

/** Puts the cause that lmdb-js keeps in a second promise into the error. */
async function settled(write: Promise<unknown>): Promise<unknown> {
  try {
    return await write;
  } catch (error) {
    const cause = await (error as { commitError?: Promise<unknown> }).commitError?.catch((reason: unknown) => reason);
    throw new TallygateError(
      'LOG_UNAVAILABLE',
      `expected the event log's disk to take a write, got: ${toMessage(cause ?? error)} (is the disk full?)`,
      { cause: cause ?? error, retryAfterMs: 1000 },
    );
  }
}
