import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith, uniqueName } from '../servers/require.ts';

const child = join(import.meta.dirname, 'export-memory-child.ts');
const mebibyte = 1024 * 1024;

/**
 * 350 MiB were measured, however long the file (650 MB of small ones, 300 to 900 MB of large ones). The heap is bounded as well: whoever
 * collects rows runs out of it.
 */
const mostMemory = 512 * mebibyte;

describeWith(['clickhouse'], 'the memory of a gateway that exports', (env) => {
  test.each([
    ['two million small events', 'small', 2_000_000, 'ndjson'],
    ['small events, and then large ones all at once', 'large', 30_000, 'parquet'],
  ])(
    '%s',
    async (_, kind, rows, format) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--no-warnings', '--max-old-space-size=160', child, uniqueName('export'), kind, String(rows), format],
        { env: { ...process.env, ...env, NODE_OPTIONS: '' }, maxBuffer: mebibyte },
      );
      const found = JSON.parse(stdout) as { status: number; rows: number; bytes: number; before: number; most: number };
      expect(found).toMatchObject({ status: 200, rows });
      expect(found.bytes).toBeGreaterThan(200 * mebibyte);
      expect(found.most).toBeLessThan(mostMemory);
    },
    300_000,
  );
});
