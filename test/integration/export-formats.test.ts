import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { tables } from '../../src/gateway/export/tables/index.ts';
import { formatNames, readRows } from './export-readers.ts';
import { type ExportSite, openExportSite, type StoredRow, toQuery } from './export-site.ts';
import { makeFolder } from './graphql-site.ts';

const folder = makeFolder();
let site: ExportSite;
beforeAll(async () => {
  site = await openExportSite();
}, 60_000);
afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

const events = tables.find(({ name }) => name === 'events')!;
const everything = { range: { from: '1900-01-01T00:00:00Z', to: '2300-01-01T00:00:00Z' } };
const fresh = { freshness: { maxAgeMs: 0 } };

async function exported(format: string, parameters: Readonly<Record<string, unknown>>): Promise<Buffer> {
  const response = await site.get(`/export/events.${format}${toQuery({ ...everything, ...fresh, ...parameters })}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([response.status, response.status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
  return bytes;
}

const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({ unit: 'grapheme', maxLength: 10 }),
    fc.constantFrom(
      '',
      'a,b',
      '"',
      '""',
      'a\r\nb',
      '\n',
      '\r',
      ' x ',
      '=1+1',
      '@x',
      '-1',
      '\u2028',
      '\u0000',
      '\ufeff',
      'null',
      '💥é',
      '{}',
    ),
  )
  .map((of) => of.toWellFormed());
/** JSON as it may stand in a row: written by us so that numbers can be of any width. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text.map((of) => JSON.stringify(of)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((of) => (Math.abs(of) >= 2 ** 63 ? of.toExponential() : JSON.stringify(of))),
    fc.constantFrom('null', 'true', 'false', '[]', '{}', '1e300', '0.1000', '12345678901234567890'),
    fc.array(tie('value'), { maxLength: 3 }).map((of) => `[${of.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .uniqueArray(fc.tuple(text, tie('value')), { maxLength: 4, selector: ([name]) => name })
    .map((members) => `{${members.map(([name, of]) => `${JSON.stringify(name)}:${of}`).join(',')}}`),
})).object;
const time = fc
  .oneof(
    fc.constantFrom(Date.UTC(1900, 0, 1), Date.UTC(2299, 11, 31, 23, 59, 59, 999), -1, 0, 1),
    fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2300, 0, 1) - 1 }),
  )
  .map((ms) => new Date(ms).toISOString());
const stored = (at: string) => at.replace('T', ' ').replace('Z', '');
/** Readers in JavaScript take a mark of byte order at the beginning of a text away. The engine does not. */
const asTextDecoder = <T>(cell: T) => (typeof cell === 'string' ? cell.replace(/^\ufeff/, '') : cell);
const event = fc.record({
  time,
  event: text.filter((of) => of !== ''),
  userId: text,
  anonymousId: text,
  originalTimestamp: fc.option(time),
  properties: jsonText,
  context: fc.option(jsonText),
  traits: fc.option(jsonText),
});

test('whatever is stored comes out of every format as it is, in order, for its own reader and for the engine', async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 12 }), async (sent) => {
      const name = `round ${++round}`;
      const rows = sent.map((one, i): StoredRow => {
        const parts = [
          one.context === null ? [] : [`"context":${one.context}`],
          [`"properties":${one.properties}`],
          one.traits === null ? [] : [`"traits":${one.traits}`],
        ];
        return {
          time: stored(one.time),
          event: one.event,
          userId: one.userId,
          anonymousId: one.anonymousId,
          messageId: `${name} ${i}`,
          originalTimestamp: one.originalTimestamp === null ? null : stored(one.originalTimestamp),
          data: `{${parts.flat().join(',')}}`,
        };
      });
      await site.store(rows);
      const expected = sent
        .map((one, i) => [
          `${name} ${i}`,
          'TRACK',
          one.event,
          Date.parse(one.time),
          one.originalTimestamp === null ? null : Date.parse(one.originalTimestamp),
          null,
          Date.UTC(2026, 2, 1, 12),
          one.userId || null,
          one.anonymousId || null,
          null,
          null,
          one.properties,
          one.context ?? '{}',
          one.traits ?? '{}',
        ])
        .map((cells, i) => ({ cells, at: cells[3] as number, i }))
        .sort((a, b) => a.at - b.at || a.i - b.i)
        .map(({ cells }) => cells);
      const parameters = { filter: { property: '$messageId', op: 'STARTS_WITH', value: `${name} ` }, order: 'OLDEST' };
      for (const format of formatNames) {
        const bytes = await exported(format, parameters);
        const found = await readRows(format, bytes, events);
        const told =
          format === 'arrow' || format === 'parquet' ? expected.map((row) => row.map(asTextDecoder)) : expected;
        expect([format, found.map((row) => row.slice(0, -1))]).toEqual([format, told]);
        if (format !== 'arrow' && format !== 'parquet') continue;
        const path = join(folder, `events.${format}`);
        await writeFile(path, bytes);
        const read = await site.readFile(path, format === 'arrow' ? 'ArrowStream' : 'Parquet');
        const byName = (a: readonly unknown[], b: readonly unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1);
        expect(
          read
            .map((row) => [row.messageId, row.event, Date.parse(`${row.timestamp}Z`), row.userId, row.properties])
            .sort(byName),
        ).toEqual(expected.map((row) => [row[0], row[2], row[3], row[7], row[11]]).sort(byName));
      }
    }),
    { numRuns: 40, endOnFailure: true },
  );
}, 300_000);

test('an export of nothing is a whole file', async () => {
  for (const format of formatNames) {
    const bytes = await exported(format, { filter: { property: '$event', value: 'nobody did this' } });
    expect([format, await readRows(format, bytes, events)]).toEqual([format, []]);
  }
});

test('a spreadsheet takes no text for a formula, if that is asked for, and numbers stay numbers', async () => {
  const texts = ['=cmd()', '+1', '-1', '@a', '\tx', '\rx', 'fine', '1=1'];
  await site.store(texts.map((event, i) => ({ event, messageId: `formula ${i}`, time: `1950-01-01 00:00:0${i}.000` })));
  const filter = { property: '$messageId', op: 'STARTS_WITH', value: 'formula ' };
  const plain = await readRows('csv', await exported('csv', { filter, order: 'OLDEST' }), events);
  expect(plain.map((row) => row[2])).toEqual(texts);
  const safe = await readRows('csv', await exported('csv', { filter, order: 'OLDEST', spreadsheet: 'true' }), events);
  expect(safe.map((row) => row[2])).toEqual(texts.map((of, i) => (i < 6 ? `'${of}` : of)));
  expect(safe.map((row) => row[3])).toEqual(plain.map((row) => row[3]));
  expect(safe[0]![14]).toMatch(/^'-63/);
});

test('files tell of their snapshot and of what continues them', async () => {
  const { tableFromIPC } = await import('apache-arrow');
  const { parquetMetadataAsync } = await import('hyparquet');
  const parameters = { ...everything, ...fresh, rows: 1 };
  const arrow = await site.get(`/export/events.arrow${toQuery(parameters)}`);
  const inArrow = tableFromIPC(new Uint8Array(await arrow.arrayBuffer())).schema.metadata;
  expect(inArrow.get('tallygate.snapshot')).toBe(arrow.headers.get('tallygate-snapshot'));
  expect(inArrow.get('tallygate.resume')).toBe(arrow.headers.get('tallygate-resume'));
  const parquet = await site.get(`/export/events.parquet${toQuery(parameters)}`);
  const bytes = await parquet.arrayBuffer();
  const { key_value_metadata } = await parquetMetadataAsync(bytes);
  const inParquet = Object.fromEntries(key_value_metadata!.map(({ key, value }) => [key, value]));
  const [[...row]] = (await readRows('parquet', Buffer.from(bytes), events)) as [unknown[]];
  expect(inParquet).toEqual({
    'tallygate.snapshot': parquet.headers.get('tallygate-snapshot'),
    'tallygate.asOf': parquet.headers.get('tallygate-as-of'),
    'tallygate.resume': `${parquet.headers.get('tallygate-resume')}:${row[14]}`,
  });
});
