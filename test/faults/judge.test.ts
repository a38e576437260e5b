import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { Ask } from './ask-engine.ts';
import { createHistory, type Outcome } from './history.ts';
import { isSound, judge, type Verdict } from './judge.ts';

interface Stored {
  /** Of log partition 0, which is stream 0: id and offset. */
  readonly events: readonly (readonly [string, number])[];
  readonly repeats: readonly (readonly [string, number])[];
  readonly deadLetters: readonly (readonly [string, number])[];
  /** Completed: first, last, stored. */
  readonly ledger: readonly (readonly [number, number, number])[];
  readonly sent: readonly (readonly [string, Outcome])[];
  readonly end: number;
}

const sound: Stored = {
  events: [
    ['a', 0],
    ['b', 1],
    ['c', 3],
  ],
  repeats: [['a', 2]],
  deadLetters: [['d', 4]],
  ledger: [
    [0, 1, 2],
    [2, 4, 1],
  ],
  sent: [
    ['a', 'acknowledged'],
    ['a', 'unknown'],
    ['b', 'acknowledged'],
    ['c', 'unknown'],
    ['d', 'deadLettered'],
    ['e', 'unknown'],
    ['f', 'rejected'],
  ],
  end: 5,
};

describe('the judge of the faults', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallygate-judge-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  let databases = 0;

  async function judgeStored(stored: Stored, damage?: (warehouse: Warehouse) => Promise<void>): Promise<Verdict> {
    const warehouse = await openEmbeddedWarehouse({
      path: folder,
      database: `judge_${++databases}`,
      reportConnections: 1,
      limits: { seconds: 60, memoryBytes: 4e9, resultRows: 1e6 },
      metrics: createMetrics(),
    });
    try {
      await warehouse.migrate();
      await store(warehouse, stored);
      await damage?.(warehouse);
      const ask: Ask = async <Row extends readonly unknown[]>(sql: string) => {
        const { rows } = await warehouse.query<Record<string, unknown>>({ sql }, { label: 'judge' });
        return rows.map((row) => Object.values(row) as unknown as Row);
      };
      const history = createHistory();
      for (const [id, outcome] of stored.sent) history.record('p', id, outcome);
      return await judge({ ask, history, logs: [{ epoch: 0, ends: [stored.end, 0] }] });
    } finally {
      await warehouse.close();
    }
  }

  test('finds nothing where nothing is wrong', async () => {
    const verdict = await judgeStored(sound);
    expect(verdict).toEqual({
      acknowledged: 2,
      stored: 3,
      lost: [],
      twice: [],
      phantom: [],
      unknown: 2,
      unknownStored: 1,
      problems: [],
    });
    expect(isSound(verdict)).toBe(true);
  });

  const cases: readonly [string, Partial<Stored>, Partial<Verdict>][] = [
    [
      'an acknowledged event that is not there',
      { events: sound.events.slice(1) },
      { lost: ['p/a'], problems: expect.arrayContaining([expect.stringContaining('4 rows of 4 positions')]) },
    ],
    ['a dead letter that is not there', { deadLetters: [] }, { lost: ['p/d'] }],
    [
      'a row that is there twice',
      { events: [...sound.events, ['b', 1]] },
      { twice: ['p/b'], problems: expect.arrayContaining([expect.stringContaining('6 rows of 5 positions')]) },
    ],
    [
      'an id that counts at two positions',
      { repeats: [], events: [...sound.events, ['a', 2]], ledger: [[0, 4, 4]] },
      { twice: ['p/a'] },
    ],
    ['an event that nobody sent', { events: [...sound.events.slice(0, 2), ['x', 3]] }, { phantom: ['p/x'] }],
    ['an event that was refused for good', { events: [...sound.events.slice(0, 2), ['f', 3]] }, { phantom: ['p/f'] }],
    [
      'a part of the log that no range covers',
      { ledger: sound.ledger.slice(1) },
      { problems: expect.arrayContaining(['stream 0: expected a completed range from 0, got 2 to 4']) },
    ],
    [
      'ranges that overlap',
      { ledger: [[0, 2, 2], ...sound.ledger.slice(1)] },
      { problems: ['stream 0: expected a completed range from 3, got 2 to 4'] },
    ],
    [
      'a range that is told twice',
      { ledger: [...sound.ledger, [2, 4, 1]] },
      {
        problems: [
          'ledger: 2 rows for 2 to 4 of stream 0, project p, key k',
          'ledger: stored of project p, key k: told 4, there are 3',
        ],
      },
    ],
    [
      'a log that goes on',
      { end: 6 },
      { problems: expect.arrayContaining(['stream 0: completed up to 5, but the log ends before 6']) },
    ],
  ];
  test.each([...cases])('finds %s', async (_, damage, expected) => {
    const verdict = await judgeStored({ ...sound, ...damage });
    expect(verdict).toMatchObject(expected);
    expect(isSound(verdict)).toBe(false);
  });

  test('finds a rollup that counts what the table has not', async () => {
    const row = { project: 'p', event: 'E', hour: 490_896, log_stream: 0, first_offset: 1, last_offset: 1, events: 1 };
    const { problems } = await judgeStored(sound, (warehouse) =>
      warehouse.insert('rollup_hourly', Buffer.from(`${JSON.stringify(row)}\n`), { token: 'damage' }),
    );
    expect(problems).toEqual(['rollup: E of project p in hour 490896: counted 4, there are 3']);
  });
});

async function store(warehouse: Warehouse, { events, repeats, deadLetters, ledger }: Stored): Promise<void> {
  const time = '2026-01-01 00:00:00.000';
  const insert = async (table: string, rows: readonly object[]) => {
    if (rows.length === 0) return;
    const lines = rows.map((row) => `${JSON.stringify({ project: 'p', key_id: 'k', ...row })}\n`).join('');
    await warehouse.insert(table, Buffer.from(lines), { token: table });
  };
  const toRow = ([message_id, log_offset]: readonly [string, number]) => ({
    message_id,
    log_offset,
    log_stream: 0,
    received_at: time,
  });
  await insert(
    'events',
    events.map((each) => ({ ...toRow(each), time, kind: 'track', event: 'E', user_id: 'u', data: {} })),
  );
  await insert('repeats', repeats.map(toRow));
  await insert('dead_letters', deadLetters.map(toRow));
  await insert(
    'ledger',
    ledger.map(([first_offset, last_offset, stored], i) => ({
      phase: 'completed',
      log_stream: 0,
      first_offset,
      last_offset,
      stored,
      // All of the repeats and dead letters stand in the first row.
      deduplicated: i === 0 ? repeats.length : 0,
      dead_lettered: i === 0 ? deadLetters.length : 0,
    })),
  );
}
