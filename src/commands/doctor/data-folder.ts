import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants, statfs, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../config.ts';
import { type Finding, ok, problem, toReason, warning } from './finding.ts';

const gibibyte = 1024 ** 3;
const scarceBytes = 5 * gibibyte;
const leastBytes = 0.25 * gibibyte;

export async function checkDataFolder({ DATA_DIR }: Config): Promise<Finding> {
  const about = 'DATA_DIR';
  const folder = resolve(DATA_DIR);
  const isThere = existsSync(folder);
  let nearest = folder;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  try {
    if (isThere) await writeOnce(folder);
    else await access(nearest, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    return problem(
      about,
      `${folder} cannot be written to (${toReason(thrown)}): give it to this user, or set DATA_DIR to another folder`,
    );
  }
  const { bavail, bsize } = await statfs(nearest);
  const free = bavail * bsize;
  const place = `${folder}${isThere ? '' : ' (made at the start)'}`;
  const room = `${(free / gibibyte).toFixed(1)} GiB free`;
  if (free < leastBytes) return problem(about, `${place}, ${room}: nothing can be stored without room on the disk`);
  if (free < scarceBytes) return warning(about, `${place}, ${room}: make room before the disk is full`);
  return ok(about, `${place}, ${room}`);
}

/** Rights alone do not tell: a file system can be read-only, and root passes every check of them. */
async function writeOnce(folder: string): Promise<void> {
  const file = join(folder, `doctor-${randomUUID()}`);
  await writeFile(file, '');
  await unlink(file);
}
