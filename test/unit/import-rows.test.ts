import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parseMapping } from '../../src/commands/import/mapping.ts';
import { createMessageIds } from '../../src/commands/import/message-id.ts';
import { type Format, toSource } from '../../src/commands/import/open-source.ts';
import { readCsv } from '../../src/commands/import/read-csv.ts';
import { longestLine, readNdjson } from '../../src/commands/import/read-ndjson.ts';
import { isReadable, type Row, type UnreadableRow } from '../../src/commands/import/row.ts';
import { createToEvent, toEventInput } from '../../src/commands/import/to-event.ts';

const mapping = parseMapping({});
const csv = { delimiter: ',', quote: '"', looseQuotes: false };
const tsv = { delimiter: '\t', quote: null, looseQuotes: false };

/** The bytes in pieces of the given lengths, over and over. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const length = lengths[i % lengths.length] as number;
    pieces.push(bytes.subarray(from, from + length));
    from += length;
  }
  return pieces;
}

async function readAll(bytes: Buffer, format: Format, lengths: readonly number[] = [65_536], options = csv) {
  const source = await toSource('-', format, Readable.from(cut(bytes, lengths)));
  let counted = 0;
  const chunks = source.open((count) => {
    counted += count;
  });
  const rows: (Row | UnreadableRow)[] = [];
  const reader =
    format === 'ndjson' ? readNdjson(chunks) : readCsv('-', chunks, format === 'csv' ? options : tsv, () => {});
  for await (const row of reader) rows.push(row);
  expect(counted).toBe(bytes.length);
  return rows;
}

function mapAll(rows: readonly (Row | UnreadableRow)[], json: boolean) {
  const toEvent = createToEvent(mapping);
  const ids = createMessageIds();
  return rows.filter(isReadable).map((row) => toEventInput(toEvent(row, json, ids)));
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
const awkward = fc.constantFrom(
  '"',
  '""',
  ',',
  '\n',
  '\r\n',
  '\r',
  '\t',
  'ä',
  '\u{1f600}',
  '\ufeff',
  '\ufffd',
  '\\',
  "'",
  ';',
  ' ',
  'x',
  '1',
  '{',
  '',
);
const cell = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.array(awkward, { maxLength: 6 }).map((parts) => parts.join('')),
);
const moment = fc.date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
const rowOf = fc.record({ event: cell, user: cell, moment, free: fc.array(cell, { minLength: 2, maxLength: 2 }) });

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

test('a CSV file gives the cells that were written, however it is cut, plain or gzip, whatever ends its lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rowOf, { maxLength: 8 }),
      lengths,
      fc.boolean(),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      async (rows, pieces, packed, end, mark) => {
        const cells = rows.map((row) => [`e${row.event}`, `u${row.user}`, row.moment.toISOString(), ...row.free]);
        const lines = [['event', 'user_id', 'timestamp', 'a', '__proto__'], ...cells].map((line) =>
          line.map(quoted).join(','),
        );
        const text = (mark ? '\ufeff' : '') + lines.join(end) + (rows.length % 2 ? end : '');
        const bytes = packed ? gzipSync(text) : Buffer.from(text);
        const whole = await readAll(bytes, 'csv');
        const pieced = await readAll(bytes, 'csv', pieces);
        expect(whole.map((row) => isReadable(row) && row.values)).toEqual(cells);
        expect(pieced).toEqual(whole);
        const events = mapAll(pieced, false);
        expect(events).toEqual(mapAll(whole, false));
        const sent = JSON.parse(JSON.stringify(events.map((event) => event.track))) as {
          event: string;
          userId: string;
          timestamp: string;
          messageId: string;
          properties?: Record<string, unknown>;
        }[];
        expect(sent.map(({ event, userId, timestamp }) => [event, userId, timestamp])).toEqual(
          cells.map((line) => line.slice(0, 3)),
        );
        for (const [index, { properties = {} }] of sent.entries()) {
          const [a, proto] = (cells[index] as string[]).slice(3);
          expect(Object.keys(properties).sort()).toEqual([...(proto ? ['__proto__'] : []), ...(a ? ['a'] : [])]);
        }
        expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(rows.length);
      },
    ),
    { numRuns: 300 },
  );
});

test('an NDJSON file gives the same events however it is cut, with no value changed', async () => {
  const properties = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), {
    maxKeys: 5,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(rowOf, properties), { maxLength: 6 }),
      lengths,
      fc.boolean(),
      async (rows, pieces, packed) => {
        const records = rows.map(([row, bag]) => ({
          type: 'track',
          event: `e${row.event}`,
          userId: `u${row.user}`,
          timestamp: row.moment.toISOString(),
          properties: JSON.parse(JSON.stringify(bag)) as object,
        }));
        const text = records.map((record) => `${JSON.stringify(record)}\n`).join('\n');
        const bytes = packed ? gzipSync(text) : Buffer.from(text);
        const whole = mapAll(await readAll(bytes, 'ndjson'), true);
        expect(mapAll(await readAll(bytes, 'ndjson', pieces), true)).toEqual(whole);
        const sent = JSON.parse(JSON.stringify(whole.map((event) => event.track))) as Record<string, unknown>[];
        expect(
          sent.map(({ messageId: _, properties = {}, ...rest }) => ({ type: 'track', ...rest, properties })),
        ).toEqual(records);
      },
    ),
    { numRuns: 300 },
  );
});

test('TSV takes quotes as they are', async () => {
  const rows = await readAll(Buffer.from('event\tuser\n"a\tx"y\nb"\tz\n'), 'tsv', [1]);
  expect(rows.map((row) => isReadable(row) && row.values)).toEqual([
    ['"a', 'x"y'],
    ['b"', 'z'],
  ]);
});

test('lines are counted over blank ones and over line ends inside of cells', async () => {
  const rows = await readAll(Buffer.from('a,b\r\n\r\n1,"x\r\ny\nz"\n2,3\n\n\n4\n5,6'), 'csv', [3]);
  expect(rows.map((row) => row.line)).toEqual([3, 6, 9, 10]);
  expect(rows[2]).toMatchObject({
    problem: { code: 'COLUMN_COUNT', message: 'expected 2 cells as in the header, got 1' },
    raw: '4',
  });
});

test('a quote that does not pair ends the file, after the rows before it', async () => {
  const rows: unknown[] = [];
  const read = async (text: string, options: object) => {
    for await (const row of readCsv('f.csv', Readable.from([Buffer.from(text)]), { ...csv, ...options }, () => {}))
      rows.push(row);
  };
  await expect(read('a,b\n0,1\n1,"x"y\n3,4\n', {})).rejects.toThrow(
    'f.csv: expected quotes around whole cells, or doubled inside one, got another one in the row that begins in line 3',
  );
  expect(rows).toHaveLength(1);
  await expect(read('a,b\n0,1\n1,5" wide\n3,4\n', {})).rejects.toThrow('--loose-quotes');
  await expect(read(`a,b\n0,1\n1,"never closed\n${'3,4\n'.repeat(300_000)}`, {})).rejects.toThrow(
    'the row that begins in line 3 to end',
  );
  await expect(read('a,b\n1,"never closed\n', {})).rejects.toThrow('--quote none');
  rows.length = 0;
  await read('a,b\n1,5" wide\n2,"x"y\n', { looseQuotes: true });
  await read('a,b\n3,"never closed\n', { quote: null });
  expect(rows).toMatchObject([
    { values: ['1', '5" wide'] },
    { values: ['2', '"x"y'] },
    { values: ['3', '"never closed'] },
  ]);
});

test('what cannot be read is a problem of its line', async () => {
  const long = `{"a":"${'x'.repeat(longestLine)}"}`;
  const latin1 = Buffer.from('{"a":"caf\u00e9"}', 'latin1');
  const text = Buffer.concat([
    Buffer.from(`[1]\n{"a":\n  \n"x"\n${long}\n`),
    latin1,
    Buffer.from(`\n{"a":"\ufffd"}\n${'['.repeat(400_000)}\n{"b":1}`),
  ]);
  const rows = await readAll(text, 'ndjson', [100_000]);
  expect(rows.map((row) => [row.line, isReadable(row) ? row.names : row.problem.code])).toEqual([
    [1, 'NOT_AN_OBJECT'],
    [2, 'BAD_JSON'],
    [4, 'NOT_AN_OBJECT'],
    [5, 'LINE_TOO_LONG'],
    [6, 'BAD_ENCODING'],
    [7, ['a']],
    [8, 'BAD_JSON'],
    [9, ['b']],
  ]);
  const cells = await readAll(Buffer.from('event,b\nf\u00e9,1\ng,2\n', 'latin1'), 'csv');
  expect(cells.map((row) => (isReadable(row) ? row.values : row.problem.code))).toEqual(['BAD_ENCODING', ['g', '2']]);
});

test('numbers of 64 bits keep their digits', async () => {
  const [row] = await readAll(
    Buffer.from('{"userId":9007199254740993,"small":12,"precise":0.1234567890123456789,"huge":1e300}'),
    'ndjson',
  );
  expect(row).toMatchObject({ values: ['9007199254740993', 12, 0.12345678901234568, 1e300] });
});

test('gzip that ends too early, and UTF-16, fail with a sentence', async () => {
  const packed = gzipSync(Array.from({ length: 50_000 }, (_, i) => `{"a":${i * 7919}}`).join('\n'));
  await expect(readAll(packed.subarray(0, packed.length / 2), 'ndjson')).rejects.toThrow(
    '-: the gzip data is damaged or ends too early',
  );
  await expect(readAll(Buffer.from('\ufeffa,b', 'utf16le'), 'csv')).rejects.toThrow('-: expected UTF-8, got UTF-16');
});

test('several gzip members in one file are one text', async () => {
  const rows = await readAll(Buffer.concat([gzipSync('{"a":1}\n{"a"'), gzipSync(':2}\n')]), 'ndjson', [5]);
  expect(rows).toMatchObject([{ values: [1] }, { values: [2] }]);
});

test('a header needs each name once, and names the nameless', async () => {
  await expect(readAll(Buffer.from('a,b,a\n1,2,3\n'), 'csv')).rejects.toThrow(
    '-: expected each column once, got "a" twice in the header',
  );
  const [row] = await readAll(Buffer.from('a,, c \n1,2,3\n'), 'csv');
  expect(row).toMatchObject({ names: ['a', 'column_2', 'c'] });
});
