import { existsSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { TallygateError, toMessage } from '../../errors.ts';

/** One INSERT of lines of JSONEachRow; `settings` is the text of its SETTINGS clause. On disk when it resolves. */
export type InsertLines = (table: string, settings: string, lines: Buffer) => Promise<void>;

export function createStreamInsert(client: ClickHouseClient): InsertLines {
  return async (table, settings, lines) => {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} SETTINGS ${settings} FORMAT JSONEachRow`,
      values: Readable.from([lines], { objectMode: false }),
    });
    for await (const _ of stream) {
      // Nothing comes; the end of the stream is the answer.
    }
  };
}

/** Bytes from which on a file is worth its system calls. */
const leastForFile = 64 * 1024;

/** Where Linux lists the files that this process has open. */
const openFiles = '/proc/self/fd';

/** Files that are kept to be written over: what a new one costs the disk's file system is more than the writing. */
const mostSpare = 2;

/**
 * For the engine in this process. Lines in the statement itself go through strings and copies, at a third of the cost of
 * the whole insert; a file it reads by itself. The file has no name, so a process that is killed leaves nothing behind, and
 * no character of `folder` can be taken for a pattern, with which the engine would find nothing and say nothing.
 */
export function createFileInsert(
  client: ClickHouseClient,
  folder: string,
): { readonly insertLines: InsertLines; readonly close: () => Promise<void> } {
  const insertStream = createStreamInsert(client);
  const spare: FileHandle[] = [];
  return {
    async insertLines(table, settings, lines) {
      if (lines.length < leastForFile || !existsSync(openFiles)) return insertStream(table, settings, lines);
      const file = spare.pop() ?? (await openNameless(folder));
      try {
        await write(file, folder, lines);
        await client.command({
          query: `INSERT INTO ${table} FROM INFILE '${openFiles}/${file.fd}' SETTINGS ${settings} FORMAT JSONEachRow`,
        });
      } catch (thrown) {
        await file.close();
        throw thrown;
      }
      if (spare.length < mostSpare) spare.push(file);
      else await file.close();
    },
    async close() {
      for (const file of spare.splice(0)) await file.close();
    },
  };
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `insert-${crypto.randomUUID()}`);
  const file = await open(path, 'wx+', 0o600).catch((cause) => {
    throw new TallygateError(
      'WAREHOUSE_UNAVAILABLE',
      `expected to make a file in ${folder}, got: ${toMessage(cause)}`,
      {
        cause,
        retryAfterMs: 1000,
      },
    );
  });
  await unlink(path);
  return file;
}

/** Makes these lines the whole of the file. */
async function write(file: FileHandle, folder: string, lines: Buffer): Promise<void> {
  try {
    // writeFile would come back to the loop for every half a megabyte, and wait there for its turn.
    for (let at = 0; at < lines.length; ) at += (await file.write(lines, at, lines.length - at, at)).bytesWritten;
    await file.truncate(lines.length);
  } catch (cause) {
    throw new TallygateError(
      'WAREHOUSE_UNAVAILABLE',
      `expected room for ${lines.length} bytes on the disk of ${folder}, got: ${toMessage(cause)}`,
      { cause, retryAfterMs: 1000 },
    );
  }
}
