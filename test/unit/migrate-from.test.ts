import { compare, toComparisonLines } from '../../src/commands/migrate-from/compare.ts';
import { createCounts } from '../../src/commands/migrate-from/counts.ts';
import { toIdPrefix, toMessageId } from '../../src/commands/migrate-from/ids.ts';
import { quoteText, toPlainName } from '../../src/commands/migrate-from/quote.ts';
import { parseSourceAddress } from '../../src/commands/migrate-from/source-address.ts';
import { isPassing, toSourceError } from '../../src/commands/migrate-from/source-errors.ts';

test('ids are those of the key, one for each row, and never too long', () => {
  const prefix = toIdPrefix('shop.public.events');
  expect(toMessageId(prefix, ['42'])).toBe('shop.public.events:42');
  expect(toMessageId(prefix, ['a', 'b,c'])).toBe('shop.public.events:["a","b,c"]');
  const long = ['x'.repeat(82), 'x'.repeat(83)].map((key) => toMessageId(prefix, [key]));
  expect(new Set(long).size).toBe(2);
  for (const id of long) expect(id).toMatch(/^shop\.public\.events:#[\w-]{43}$/);
  expect(toMessageId(prefix, ['x'.repeat(81)])).toHaveLength(100);

  const prefixes = ['y'.repeat(50), 'y'.repeat(51)].map(toIdPrefix);
  expect(new Set(prefixes).size).toBe(2);
  for (const each of prefixes) {
    expect(each).toMatch(/^pg-[\w-]{43}:$/);
    expect(toMessageId(each, ['z'.repeat(200)]).length).toBeLessThanOrEqual(100);
  }
});

test('texts and names in SQL stay what they are', () => {
  expect(quoteText("it's")).toBe("'it''s'");
  expect(quoteText("a\\'b")).toBe(" E'a\\\\''b'");
  expect([toPlainName('events'), toPlainName('Events'), toPlainName('a"b')]).toEqual(['events', '"Events"', '"a""b"']);
});

test('an address is shown without user and password', () => {
  expect(parseSourceAddress('postgres://u:geheim@db:5433/shop?sslmode=require').shown).toBe('db:5433/shop');
  expect(parseSourceAddress('postgresql:///shop').shown).toBe('localhost:5432/shop');
  for (const wrong of ['geheim', 'postgres://u:geheim@a b/x', 'postgres://u:geheim%zz@a/x', 'http://u:geheim@a/x']) {
    expect(() => parseSourceAddress(wrong)).toThrow('expected the address of a database');
    expect(() => parseSourceAddress(wrong)).not.toThrow('geheim');
  }
});

test('only what may pass is tried again', () => {
  const of = (code: string) => toSourceError(Object.assign(new Error('said'), { code }), 'db:5432/shop', 'to read t');
  for (const code of ['08006', '57P01', '57P03', '53300', '40001', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT'])
    expect([code, isPassing(of(code))]).toEqual([code, true]);
  for (const code of [
    '28P01',
    '3D000',
    '42501',
    '42P01',
    '42703',
    '42601',
    '22P02',
    '57014',
    'ENOTFOUND',
    'XX001',
    'none',
  ])
    expect([code, isPassing(of(code))]).toEqual([code, false]);
  expect(of('57014').message).toContain('raise --statement-timeout');
  expect(of('XX001').message).toBe('db:5432/shop: failed to read t: said');
});

test('a comparison names what is missing and what is too much, by day and event', () => {
  const counts = (...entries: [number | null, string | null, number][]) => {
    const made = createCounts();
    for (const entry of entries) made.add(...entry);
    return made;
  };
  const table = counts([20_000, 'A', 10], [20_000, 'B', 5], [20_001, 'A', 7], [null, 'A', 2]);
  const rejected = counts([20_000, 'B', 1], [null, 'A', 2]);
  const before = Date.UTC(2024, 9, 6, 12);
  const same = compare(table, rejected, counts([20_000, 'A', 10], [20_000, 'B', 4], [20_001, 'A', 7]), before);
  expect(same.differences).toEqual([]);
  expect(toComparisonLines(same)).toEqual([
    'compared      21 events of 2 days, until 2024-10-06T12:00:00.000Z: equal by day and event name',
  ]);
  const other = compare(
    table,
    rejected,
    counts([20_000, 'A', 8], [20_001, 'A', 8], [20_001, 'C', 1], [20_000, 'B', 4]),
    before,
  );
  expect(toComparisonLines(other)).toEqual([
    'compared      21 events of 2 days, until 2024-10-06T12:00:00.000Z: 3 of the counts differ',
    '  2024-10-04  A: 10 in the table, 8 in Tallygate: 2 missing',
    '  2024-10-05  A: 7 in the table, 8 in Tallygate: 1 more (deleted or changed in the table since, or tracked without it)',
    '  2024-10-05  C: 0 in the table, 1 in Tallygate: 1 more (deleted or changed in the table since, or tracked without it)',
  ]);
  // A row that is no event and was not rejected either is missed.
  expect(compare(counts([null, 'A', 1]), counts(), counts(), before).differences).toHaveLength(1);
});
