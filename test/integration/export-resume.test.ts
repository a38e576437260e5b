import { tables } from '../../src/gateway/export/tables/index.ts';
import { readRows } from './export-readers.ts';
import { type ExportSite, openExportSite, toQuery } from './export-site.ts';

let site: ExportSite;
beforeAll(async () => {
  site = await openExportSite();
  // Many of one instant, far apart and close, and more than a page has.
  await site.generate(
    `concat('E', toString(number % 3)), fromUnixTimestamp64Milli(toInt64(1770000000000) + intDiv(number, 7) * multiIf(number < 3000, 1, number < 3100, 86400000, 50), 'UTC'),
     concat('m', toString(number)), toString(number % 50), concat('{"properties":{"n":', toString(number), '}}')`,
    6000,
  );
}, 60_000);
afterAll(() => site.close());

const range = { from: '2020-01-01T00:00:00Z', to: '2050-01-01T00:00:00Z' };
const fresh = { freshness: { maxAgeMs: 0 } };

interface Part {
  readonly text: string;
  readonly resume: string;
  readonly snapshot: string;
}

async function part(path: string): Promise<Part> {
  const response = await site.get(path);
  const text = await response.text();
  expect([response.status, response.status === 200 ? '' : text]).toEqual([200, '']);
  const of = (name: string) => response.headers.get(name) as string;
  return { text, resume: of('tallygate-resume'), snapshot: of('tallygate-snapshot') };
}

test.each(['NEWEST', 'OLDEST'])('all events come, each once, %s first', async (order) => {
  const { text } = await part(`/export/events.ndjson${toQuery({ range, order, ...fresh })}`);
  const places = text
    .split('\n')
    .slice(0, -1)
    .map(
      (line) => (JSON.parse(line) as { position: string }).position.split('.').map(Number) as [number, number, number],
    );
  expect(places).toHaveLength(6000);
  const expected = places.toSorted((a, b) => a[0] - b[0] || a[2] - b[2]);
  expect(places).toEqual(order === 'OLDEST' ? expected : expected.toReversed());
});

test.each(['csv', 'ndjson'])(
  'an interrupted %s goes on behind its last whole row, whatever has arrived since',
  async (format) => {
    const parameters = { range, order: 'OLDEST', filter: { property: 'n', op: 'LT', value: 2000 }, ...fresh };
    const whole = await part(`/export/events.${format}${toQuery(parameters)}`);
    const newline = format === 'csv' ? '\r\n' : '\n';
    for (const cut of [0, 1, 777, 1999]) {
      const head = whole.text.split(newline).slice(0, cut + (format === 'csv' ? 1 : 0));
      const last = head.at(-1) as string;
      const position =
        cut === 0
          ? ''
          : format === 'csv'
            ? last.split(',').at(-1)
            : (JSON.parse(last) as { position: string }).position;
      await site.store([{ time: '2026-02-02 02:40:00.001', data: '{"properties":{"n":1}}' }]);
      const rest = await part(
        `/export/events.${format}${toQuery({ ...parameters, resume: `${whole.resume}:${position}` })}`,
      );
      expect(rest.snapshot).toBe(whole.snapshot);
      expect(rest.resume).toBe(whole.resume);
      // Nothing was there: it begins anew, with its header.
      expect(cut === 0 ? rest.text : [...head, rest.text].join(newline)).toBe(whole.text);
    }
    const anew = await part(`/export/events.${format}${toQuery(parameters)}`);
    expect(anew.text).not.toBe(whole.text);
  },
);

test('files by parts hold together what one file would', async () => {
  const events = tables.find(({ name }) => name === 'events')!;
  const whole = await part(`/export/events.ndjson${toQuery({ range, ...fresh })}`);
  const expected = await readRows('ndjson', Buffer.from(whole.text), events);
  const rows = [];
  let resume = whole.resume;
  for (let parts = 0; ; parts++) {
    const response = await site.get(`/export/events.parquet${toQuery({ range, ...fresh, rows: 2500, resume })}`);
    const read = await readRows('parquet', Buffer.from(await response.arrayBuffer()), events);
    rows.push(...read);
    if (read.length < 2500) {
      expect(parts).toBe(2);
      break;
    }
    resume = `${whole.resume}:${read.at(-1)!.at(-1)}`;
  }
  expect(rows).toEqual(expected);
});

test('a report goes on behind the number of rows that are there, as of its snapshot', async () => {
  const input = {
    range: { from: '2026-02-02T00:00:00Z', to: '2026-02-12T00:00:00Z' },
    interval: 'HOUR',
    series: [{}],
    ...fresh,
  };
  const whole = await part(`/export/trend.csv${toQuery({ input })}`);
  await site.store([{ time: '2026-02-02 02:40:00.001' }]);
  const lines = whole.text.split('\r\n');
  expect(lines).toHaveLength(242);
  const rest = await part(`/export/trend.csv${toQuery({ input, resume: `${whole.resume}:100` })}`);
  expect(rest.text).toBe(lines.slice(101).join('\r\n'));
  const middle = await part(`/export/trend.csv${toQuery({ input, rows: 5, resume: `${whole.resume}:100` })}`);
  expect(middle.text).toBe(`${lines.slice(101, 106).join('\r\n')}\r\n`);
  const nothing = await part(`/export/trend.csv${toQuery({ input, resume: `${whole.resume}:240` })}`);
  expect(nothing.text).toBe('');
});

test('lists of persons go on, too', async () => {
  const input = { range, steps: [{ event: 'E0' }, { event: 'E1' }], ...fresh };
  const whole = await part(`/export/funnel-people.csv${toQuery({ input, step: 1 })}`);
  const lines = whole.text.split('\r\n');
  expect(lines).toHaveLength(52);
  const rest = await part(`/export/funnel-people.csv${toQuery({ input, step: 1, resume: `${whole.resume}:20` })}`);
  expect(rest.text).toBe(lines.slice(21).join('\r\n'));
});

test.each([
  ['another question', (token: string) => ({ resume: token, order: 'OLDEST' }), 'INVALID_TOKEN'],
  ['something else', () => ({ resume: 'eyJ9' }), 'INVALID_TOKEN'],
  ['a number where a position belongs', (token: string) => ({ resume: `${token}:17` }), 'INVALID_CURSOR'],
  ['two positions', (token: string) => ({ resume: `${token}:1.0.1:1.0.1` }), 'INVALID_TOKEN'],
])('a token of %s is refused', async (_, more, code) => {
  const { resume } = await part(`/export/events.csv${toQuery({ range, rows: 1, ...fresh })}`);
  const response = await site.get(`/export/events.csv${toQuery({ range, ...fresh, ...more(resume) })}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ errors: [expect.objectContaining({ extensions: { code } })] });
});
