import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Disk {
  readonly dir: string;
  /** Takes all room that is left. */
  fill(): void;
  /** Gives it back. */
  empty(): void;
  close(): void;
}

/** A file system of its own, in memory, so that it can be full without anybody else's being. */
export function mountDisk(dir: string, megabytes: number): Disk {
  mkdirSync(dir, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tallygate-faults', dir], { stdio: 'pipe' });
  const filler = join(dir, 'filler');
  return {
    dir,
    fill() {
      // Others write meanwhile: until nothing is left even so.
      for (let tries = 0; tries < 100; tries++) {
        const { bavail, bsize } = statfsSync(dir);
        if (bavail === 0) return;
        try {
          writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: 'a' });
        } catch (thrown) {
          if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
        }
      }
    },
    empty: () => rmSync(filler, { force: true }),
    close: () => void execFileSync('umount', ['-l', dir], { stdio: 'pipe' }),
  };
}

/** Why no file system can be mounted here; undefined when it can. */
export function whyNoDisk(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-disk-'));
  try {
    mountDisk(dir, 1).close();
    return undefined;
  } catch {
    return 'mounting a small tmpfs takes root';
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
