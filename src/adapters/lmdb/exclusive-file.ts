import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TallygateError, toMessage } from '../../errors.ts';

const sqliteBusy = 5;

/**
 * Makes this process the only owner of a folder until the returned function is called; throws STORE_IN_USE when it has
 * one. Node has no flock, but an exclusive transaction of SQLite is a lock of the kernel's on a file: it is taken in
 * one step, it also keeps out other containers on the same volume (where process ids mean nothing), and it ends with
 * the process, so that nothing stale is left behind by kill -9.
 */
export function ownFolder(folder: string): () => void {
  const note = `${folder}/owner.pid`;
  const file = openLockFile(`${folder}/owner.lock`);
  try {
    file.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    throw new TallygateError(
      'STORE_IN_USE',
      `expected to be alone with ${folder}, but ${owner(note)} is using it: stop that one, or set DATA_DIR to another folder`,
    );
  }
  writeFileSync(note, String(process.pid));
  let owned = true;
  return () => {
    if (owned) file.close();
    owned = false;
  };
}

function openLockFile(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw new TallygateError(
      'CONFIG_INVALID',
      `expected a file that can be written at ${path}, got: ${toMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Only for the sentence: the lock is what counts. */
function owner(note: string): string {
  try {
    const pid = readFileSync(note, 'utf8');
    return Number(pid) === process.pid ? 'this process itself' : `process ${pid}`;
  } catch {
    return 'another process';
  }
}
