import { rmSync } from 'node:fs';
import { TallygateError } from '../../src/errors.ts';
import { startReceiptReports } from '../../src/ingest/receipt-reports.ts';
import { createReceipts } from '../../src/ingest/receipts.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { makeFolder } from './graphql-site.ts';
import { good, type LedgerSite, openLedgerSite } from './ledger-site.ts';

const logger = createSilentLogger();
const minute = 60_000;

let engine: string;
let site: LedgerSite;

beforeAll(() => {
  engine = makeFolder();
});
afterAll(() => rmSync(engine, { recursive: true, force: true }));
beforeEach(async () => {
  site = await openLedgerSite(engine);
});
afterEach(() => site.close());

describe('what no gateway speaks for', () => {
  /** A gateway that dies at once after its start: what it would report goes nowhere. */
  const startDoomed = () =>
    startReceiptReports({ receipts: createReceipts(), warehouse: site.bench.warehouse, logger, everyMs: 3_600_000 });

  test('the minutes of one that died are incomplete, as soon as nobody waits for it; the others are not', async () => {
    await startDoomed();
    const died = Date.now();
    await site.track([good('a')]);
    await site.bench.untilStored();
    expect((await site.ask()).some(({ incomplete }) => incomplete)).toBe(false);
    await site.reports.stop(1000);
    site.ahead = 30 * minute;
    const buckets = await site.ask('40m');
    for (const { start, incomplete, balanced } of buckets) {
      const from = Date.parse(start);
      expect({ start, incomplete, balanced }).toEqual({
        start,
        incomplete: from + minute > died && from <= died + 5 * minute,
        balanced: true,
      });
    }
    expect(buckets.filter(({ incomplete }) => incomplete).length).toBeGreaterThanOrEqual(5);
  });

  test('a report that is missing between others makes its minutes incomplete', async () => {
    await site.reports.stop(1000);
    const begin = Math.floor(Date.now() / minute) * minute - 20 * minute;
    const report = (number: number, from: number, to: number, ended = false) =>
      site.bench.damage(
        `INSERT INTO receipts (life, number, outcome, minute, covers_from, covers_to, ended) VALUES (7, ${number}, 'report', fromUnixTimestamp(${(begin + to * minute) / 1000}), fromUnixTimestamp64Milli(${begin + from * minute}), fromUnixTimestamp64Milli(${begin + to * minute}), ${ended})`,
      );
    await report(0, 0, 0);
    await report(1, 0, 2);
    await report(3, 4, 6);
    await report(4, 6, 10, true);
    const incomplete = async () =>
      (await site.ask('30m')).flatMap(({ start, incomplete }) =>
        incomplete ? [(Date.parse(start) - begin) / minute] : [],
      );
    expect(await incomplete()).toEqual([2, 3]);
    // It was only late.
    await report(2, 2, 4);
    expect(await incomplete()).toEqual([]);
  });

  test('what waited too long and was thrown away is incomplete', async () => {
    const receipts = createReceipts(2);
    const life = await startReceiptReports({ receipts, warehouse: site.bench.warehouse, logger, everyMs: 3_600_000 });
    const now = Math.floor(Date.now() / minute) * minute;
    for (const ago of [9, 8, 7, 6])
      receipts.open({ project: 'shop', keyId: 'k' }, now - ago * minute)([{ status: 'ACCEPTED', errors: [] }]);
    await life.stop(1000);
    const buckets = await site.ask('15m');
    const ago = (start: string) => (now - Date.parse(start)) / minute;
    expect(buckets.flatMap(({ start, incomplete }) => (incomplete ? [ago(start)] : []))).toEqual([9, 8]);
    expect(buckets.flatMap(({ start, accepted }) => (accepted > 0 ? [ago(start)] : []))).toEqual([7, 6]);
  });

  test('while the warehouse is away the counts wait, and are told once when it is back', async () => {
    let away = true;
    let tries = 0;
    const receipts = createReceipts();
    const warehouse = {
      ...site.bench.warehouse,
      async insert(...[table, lines, options]: Parameters<typeof site.bench.warehouse.insert>) {
        if (away && ++tries % 2 === 0) throw new TallygateError('WAREHOUSE_UNAVAILABLE', 'away');
        await site.bench.warehouse.insert(table, lines, options);
        // It has it, and could not say so.
        if (away) throw new TallygateError('WAREHOUSE_UNAVAILABLE', 'cut off');
      },
    };
    const life = await startReceiptReports({ receipts, warehouse, logger, everyMs: 20 });
    for (let i = 0; i < 10; i++) {
      receipts.open({ project: 'shop', keyId: 'k' }, Date.now())([{ status: 'ACCEPTED', errors: [] }]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(tries).toBeGreaterThan(1);
    away = false;
    await life.stop(5000);
    expect(await site.askTotal()).toMatchObject({ received: 10, accepted: 10, incomplete: false });
  });
});
