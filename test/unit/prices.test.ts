import { createBudgets } from '../../src/gateway/budgets.ts';
import { rowsIn } from '../../src/reports/plan.ts';
import { toChanged, withChanged } from '../../src/reports/price/change.ts';
import { toWork } from '../../src/reports/price/plan.ts';
import { type Sql, sql, value } from '../../src/reports/sql.ts';

const range = { from: 1000, to: 2000, timezone: 'UTC' };
const is = (name: string) => sql`event = ${value('String', name)}`;
const scansOf = (select: Sql) =>
  toWork({ label: 'test', select }).scans.map(({ from, to, names }) => ({
    from,
    to,
    names: names && [...names].sort(),
  }));
const where = (condition: Sql) =>
  scansOf(sql`SELECT count() FROM events WHERE ${rowsIn(range)} AND ${condition} GROUP BY a`)[0]?.names;

test('the names of the events that a condition can hold for', () => {
  expect(where(sql`1`)).toBeNull();
  expect(where(is('a'))).toEqual(['a']);
  expect(where(sql`event = '$identify' AND x = 1`)).toEqual(['$identify']);
  expect(where(sql`event IN ${value('Array(String)', ['b', 'a'])}`)).toEqual(['a', 'b']);
  expect(where(sql`(${is('a')} OR (${is('b')} AND x = 1))`)).toEqual(['a', 'b']);
  expect(where(sql`((${is('a')}) OR (${is('b')})) AND ${is('b')}`)).toEqual(['b']);
  expect(where(sql`(${is('a')} OR x = 1)`)).toBeNull();
  expect(where(sql`NOT (${is('a')})`)).toBeNull();
  expect(where(sql`x = ') OR (' AND ${is('a')}`)).toEqual(['a']);
  expect(where(sql`doc.\`it\\'s ) OR\` = 1 AND ${is('a')}`)).toEqual(['a']);
});

test('each SELECT from the events is a scan, the same one once, and other tables are none', () => {
  const inner = sql`SELECT max(x) FROM events WHERE ${rowsIn({ ...range, from: 500 })} AND ${is('b')}`;
  const edges = sql`SELECT child FROM identity_edges WHERE ${rowsIn(range)}`;
  const found = scansOf(
    sql`SELECT (${inner}) AS a, (${inner}) + 1 AS b FROM events WHERE ${rowsIn(range)} AND who IN (${edges}) AND ${is('a')}`,
  );
  expect(found).toEqual([
    { from: 500, to: 2000, names: ['b'] },
    { from: 1000, to: 2000, names: ['a'] },
  ]);
});

test('a shorter range is of whole units, and of smaller ones where none is left', () => {
  const shorter = (last: string, share: number) => toChanged({ range: { last } }, { share }, 0)?.last ?? null;
  expect(shorter('90d', 0.5)).toBe('45d');
  expect(shorter('1y', 0.5)).toBe('6M');
  expect(shorter('1M', 0.01)).toBe('7h');
  expect(shorter('1m', 0.5)).toBeNull();
  expect(shorter('soon', 0.5)).toBeNull();
  const to = new Date(10 * 86_400_000);
  const input = { range: { from: new Date(0), to, timezone: 'Asia/Tokyo' }, limit: 3 };
  const changed = toChanged(input, { share: 0.35 }, 0);
  expect(changed).toEqual({ from: new Date(7 * 86_400_000) });
  expect(withChanged(input, changed as object)).toEqual({
    range: { from: new Date(7 * 86_400_000), to, timezone: 'Asia/Tokyo' },
    limit: 3,
  });
  expect(toChanged({ interval: 'HOUR' }, { interval: 'DAY' }, 0)).toEqual({ interval: 'DAY' });
  expect(toChanged({ interval: 'WEEK' }, { interval: 'DAY' }, 0)).toBeNull();
});

test('a budget of a minute refills evenly up to itself, and that of a key goes before that of its project', () => {
  let now = 0;
  const budgetOf = createBudgets(
    [
      { target: 'shop', perOperation: 1000, perMinute: 600 },
      { target: '3fa1b2c4', perOperation: 5, perMinute: null },
    ],
    () => now,
  );
  const shop = budgetOf({ project: 'shop', keyId: 'other', right: 'read' });
  expect(shop?.most).toBe(600);
  expect(budgetOf({ project: 'shop', keyId: '3fa1b2c4', right: 'read' })?.most).toBe(5);
  expect(budgetOf({ project: 'none', keyId: 'other', right: 'read' })).toBeNull();
  expect(shop?.spend(500)).toBe(0);
  expect(shop?.spend(200)).toBe(10_000);
  now = 9_999;
  expect(shop?.spend(200)).toBeGreaterThan(0);
  now = 10_000;
  expect(shop?.spend(200)).toBe(0);
  now = 1_000_000;
  expect(shop?.spend(601)).toBeGreaterThan(0);
  expect(shop?.spend(600)).toBe(0);
});
