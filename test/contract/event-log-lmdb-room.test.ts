import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const child = join(import.meta.dirname, 'event-log-lmdb-room-child.ts');

// lmdb 3.5.6 damages its memory when several writes meet a full disk: its writes then never end, or the process aborts.
test('a disk that is full again and again refuses appends, and takes them whenever there is room', () => {
  const path = mkdtempSync(join(tmpdir(), 'tallygate-room-'));
  try {
    // A mount of its own: needs root or user namespaces, as any Linux that runs containers has them.
    const script = `mount -t tmpfs -o size=64m tmpfs '${path}' && exec '${process.execPath}' '${child}' '${path}'`;
    const output = execFileSync('unshare', [process.getuid?.() === 0 ? '-m' : '-rm', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { more, codes, stored, end } = JSON.parse(output.toString()) as Record<string, unknown>;
    expect(more).toEqual(Array(8).fill(expect.any(Number)));
    expect(Math.min(...(more as number[]))).toBeGreaterThanOrEqual(20);
    expect(codes).toEqual(['LOG_UNAVAILABLE']);
    expect(end).toBe(stored);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}, 240_000);
