import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openChunkStore } from './chunk-store.ts';
import { ownFolder } from './exclusive-file.ts';

/** The next offset of each partition of the log in a folder; null when there is no log yet. */
export type LmdbEnds = readonly number[] | null;

/** Looks at an embedded log that nobody has open, and changes nothing. Throws STORE_IN_USE when a process has it. */
export async function probeLmdbLog(path: string): Promise<LmdbEnds> {
  if (!existsSync(path)) return null;
  const disown = ownFolder(path);
  try {
    if (!existsSync(join(path, 'data.mdb'))) return null;
    const store = openChunkStore(path, 1);
    try {
      return Array.from({ length: store.partitions }, (_, partition) => store.end(partition));
    } finally {
      await store.close();
    }
  } finally {
    disown();
  }
}
