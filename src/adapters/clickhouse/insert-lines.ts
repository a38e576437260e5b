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

/**
 * For the engine in this process. Lines in the statement itself go through strings and copies, at a third of the cost of
 * the whole insert; a file it reads by itself. The file has no name, so a process that is killed leaves nothing behind, and
 * no character of `folder` can be taken for a pattern, with which the engine would find nothing and say nothing.
 */
export function createFileInsert(client: ClickHouseClient, folder: string): InsertLines {
  const insertStream = createStreamInsert(client);
  if (!existsSync(openFiles)) return insertStream;
  return async (table, settings, lines) => {
    if (lines.length < leastForFile) return insertStream(table, settings, lines);
    const file = await writeNameless(folder, lines);
    try {
      await client.command({
        query: `INSERT INTO ${table} FROM INFILE '${openFiles}/${file.fd}' SETTINGS ${settings} FORMAT JSONEachRow`,
      });
    } finally {
      await file.close();
    }
  };
}

async function writeNameless(folder: string, lines: Buffer): Promise<FileHandle> {
  const path = join(folder, `insert-${crypto.randomUUID()}`);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx+', 0o600);
    await unlink(path);
    // writeFile would come back to the loop for every half a megabyte, and wait there for its turn.
    for (let at = 0; at < lines.length; ) at += (await file.write(lines, at)).bytesWritten;
    return file;
  } catch (cause) {
    await file?.close();
    throw new TallygateError(
      'WAREHOUSE_UNAVAILABLE',
      `expected room for ${lines.length} bytes on the disk of ${folder}, got: ${toMessage(cause)}`,
      { cause, retryAfterMs: 1000 },
    );
  }
}
