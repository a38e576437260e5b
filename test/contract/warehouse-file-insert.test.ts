import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** Enough bytes for the engine to get them as a file. */
const rows = 5000;

function toLines(project: string, { badAt = -1, count = rows } = {}): Buffer {
  let lines = '';
  for (let i = 0; i < count; i++) {
    const offset = i === badAt ? '"none"' : i;
    lines += `{"project":"${project}","message_id":"Grüße ${i} '\\\\{}","received_at":"2026-01-15 12:00:00.000","log_stream":7,"log_offset":${offset}}\n`;
  }
  return Buffer.from(lines);
}

describe('large inserts into the engine in this process', () => {
  let dir: string;
  let warehouse: Warehouse;

  beforeAll(async () => {
    // Characters that the engine takes for a pattern, or for the end of a text.
    dir = await mkdtemp(join(tmpdir(), "tallygate {a,b}*?'-"));
    warehouse = await openEmbeddedWarehouse({
      path: dir,
      database: 'tallygate',
      reportConnections: 1,
      limits: { seconds: 10, memoryBytes: 2e9, resultRows: 100_000 },
      metrics: createMetrics(),
    });
    await warehouse.migrate();
  });
  afterAll(async () => {
    await warehouse.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function count(project: string): Promise<{ rows: number; ids: number; sum: number }> {
    const { rows: answer } = await warehouse.query<{ rows: string; ids: string; sum: string }>(
      {
        sql: `SELECT count() AS rows, countIf(message_id = concat('Grüße ', toString(log_offset), ' \\'\\\\{}')) AS ids, sum(log_offset) AS sum
              FROM repeats WHERE project = {project:String}`,
        params: { project },
      },
      { label: 'test' },
    );
    return { rows: Number(answer[0]!.rows), ids: Number(answer[0]!.ids), sum: Number(answer[0]!.sum) };
  }

  it('stores every line, to the byte, and the same token once', async () => {
    await warehouse.insert('repeats', toLines('whole'), { token: '7:0-4999:a' });
    await warehouse.insert('repeats', toLines('whole'), { token: '7:0-4999:a' });
    expect(await count('whole')).toEqual({ rows, ids: rows, sum: (rows * (rows - 1)) / 2 });
  });

  it('stores several at once', async () => {
    const projects = ['one', 'two', 'three', 'four'];
    await Promise.all(
      projects.map((project) => warehouse.insert('repeats', toLines(project), { token: `7:${project}` })),
    );
    for (const project of projects) expect((await count(project)).ids).toBe(rows);
  });

  it('refuses all of them for one that is bad, names the row, and takes the next', async () => {
    const bad = warehouse.insert('repeats', toLines('bad', { badAt: 4321 }), { token: '7:0-4999:b' });
    await expect(bad).rejects.toMatchObject({ code: 'BAD_ROWS', message: expect.stringContaining('(at row 4322)') });
    expect((await count('bad')).rows).toBe(0);
    await warehouse.insert('repeats', toLines('bad'), { token: '7:0-4999:c' });
    expect((await count('bad')).rows).toBe(rows);
  });

  it('leaves nothing of a long insert in a shorter one', async () => {
    await warehouse.insert('repeats', toLines('long'), { token: '7:long' });
    await warehouse.insert('repeats', toLines('short', { count: 2000 }), { token: '7:short' });
    await warehouse.insert('repeats', toLines('longer'), { token: '7:longer' });
    expect([await count('long'), await count('short'), await count('longer')].map(({ ids }) => ids)).toEqual([
      rows,
      2000,
      rows,
    ]);
  });

  it('leaves no file behind', async () => {
    expect((await readdir(dir)).filter((name) => name.startsWith('insert-'))).toEqual([]);
  });
});
