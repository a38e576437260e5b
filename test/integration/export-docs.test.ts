import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parquetReadObjects } from 'hyparquet';
import { tables } from '../../src/gateway/export/tables/index.ts';
import { type ExportSite, openExportSite, toQuery } from './export-site.ts';
import { secrets } from './graphql-site.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/exporting.md'), 'utf8');

test('docs/exporting.md has every table with its columns, types and parameters, and no other', () => {
  const sections = text.split(/^### `/m).slice(1);
  const documented = sections.map((section) => [
    section.slice(0, section.indexOf('`')),
    [...section.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name, type]) => ({ name, type })),
  ]);
  expect(documented).toEqual(tables.map(({ name, columns }) => [name, columns]));
  const plain = sections.join('\n');
  for (const { parameters } of tables)
    for (const [, name] of parameters.matchAll(/\$(\w+)/g)) expect(plain).toContain(`\`${name}\``);
});

describe('the examples of docs/exporting.md', () => {
  let site: ExportSite;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallygate-curl-'));
    site = await openExportSite();
    await site.store(
      Array.from({ length: 30 }, (_, i) => ({
        event: 'Order Completed',
        time: new Date(Date.now() - i * 3_600_000).toISOString().replace('T', ' ').replace('Z', ''),
        data: '{"properties":{"plan":"pro"}}',
      })),
    );
    await site.get(`/export/live-totals.csv${toQuery({ freshness: { maxAgeMs: 0 } })}`);
  }, 60_000);
  afterAll(async () => {
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('run as they stand', async () => {
    const scripts = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, script]) => script as string);
    expect(scripts).toHaveLength(4);
    const env = { PATH: process.env.PATH, TALLYGATE: site.url, TOKEN: secrets.read };
    for (const script of scripts) await promisify(execFile)('sh', ['-euc', script], { cwd: folder, env });
    const read = (file: string) => readFileSync(join(folder, file));
    const trend = read('trend.csv').toString().split('\r\n');
    expect(trend).toHaveLength(32);
    expect(trend.reduce((sum, line) => sum + (Number(line.split(',').at(-1)) || 0), 0)).toBe(30);
    for (const file of ['events.parquet', 'part-1.parquet']) {
      const bytes = read(file);
      const rows = await parquetReadObjects({
        file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + statSync(join(folder, file)).size) as ArrayBuffer,
      });
      expect(rows).toHaveLength(30);
    }
    const lines = read('events.ndjson').toString().split('\n').slice(0, -1);
    expect(new Set(lines.map((line) => (JSON.parse(line) as { position: string }).position)).size).toBe(30);
    expect(lines).toHaveLength(30);
  });
});
