import { get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parquetReadObjects } from 'hyparquet';
import { TallygateError } from '../../src/errors.ts';
import type { QueryOptions, Statement, Warehouse } from '../../src/ports/warehouse.ts';
import { type ExportSite, openExportSite, toQuery } from './export-site.ts';
import { secrets } from './graphql-site.ts';

let site: ExportSite;
beforeAll(async () => {
  site = await openExportSite();
  await site.generate(
    `'E', fromUnixTimestamp64Milli(toInt64(1770000000000) + toInt64(number), 'UTC'), concat('m', toString(number)), 'u', concat('{"properties":{"text":"', repeat('x', 1000), '"}}')`,
    100_000,
  );
}, 60_000);
afterAll(() => site.close());

const range = { from: '2020-01-01T00:00:00Z', to: '2050-01-01T00:00:00Z' };
const fresh = { freshness: { maxAgeMs: 0 } };
const all = (format: string) => `/export/events.${format}${toQuery({ range, ...fresh })}`;
const input = JSON.stringify({ range: { last: '1d' }, series: [{}] });

/** A warehouse whose statements for pages of events are done by `read`. */
function reading(read: (page: number, run: () => Promise<unknown>, options: QueryOptions) => Promise<unknown>) {
  let pages = 0;
  return (inner: Warehouse): Warehouse => ({
    ...inner,
    query: ((statement: Statement, options: QueryOptions) =>
      options.label === 'events'
        ? read(++pages, () => inner.query(statement, options), options)
        : inner.query(statement, options)) as Warehouse['query'],
  });
}

const authorization = { authorization: `Bearer ${secrets.read}` };

describe('before anything is sent, an error is an answer of its own', () => {
  test.each([
    ['no credential', `/export/trend.csv?input=${input}`, null, 401, 'UNAUTHENTICATED'],
    ['an unknown one', `/export/trend.csv?input=${input}`, 'rt_nobody', 401, 'UNAUTHENTICATED'],
    ['a write key', `/export/trend.csv?input=${input}`, secrets.write, 403, 'FORBIDDEN'],
    ['no such table', `/export/trent.csv?input=${input}`, undefined, 404, 'NOT_FOUND'],
    ['no such format', `/export/trend.xlsx?input=${input}`, undefined, 404, 'NOT_FOUND'],
    ['no format', '/export/trend', undefined, 404, 'NOT_FOUND'],
    ['an inherited name', '/export/trend.constructor', undefined, 404, 'NOT_FOUND'],
    ['an unknown parameter', `/export/trend.csv?input=${input}&row=1`, undefined, 400, 'BAD_REQUEST'],
    ['a parameter twice', `/export/trend.csv?input=${input}&input=${input}`, undefined, 400, 'BAD_REQUEST'],
    ['no JSON', '/export/trend.csv?input=trend', undefined, 400, 'BAD_REQUEST'],
    ['no number of rows', `/export/trend.csv?input=${input}&rows=0`, undefined, 400, 'BAD_REQUEST'],
    ['a spreadsheet of JSON', `/export/trend.ndjson?input=${input}&spreadsheet=true`, undefined, 400, 'BAD_REQUEST'],
    ['input that does not fit', '/export/trend.csv?input={}', undefined, 400, 'BAD_USER_INPUT'],
    ['no input', '/export/trend.csv', undefined, 400, 'BAD_USER_INPUT'],
    [
      'a filter that is wrong',
      `/export/events.csv${toQuery({ range, filter: { op: 'EQ' } })}`,
      undefined,
      400,
      'INVALID_FILTER',
    ],
    ['a wrong range', `/export/events.csv${toQuery({ range: {} })}`, undefined, 400, 'INVALID_RANGE'],
    [
      'a step that is not there',
      `/export/funnel-people.csv${toQuery({ input: { range, steps: [{}, {}] }, step: 3 })}`,
      undefined,
      400,
      'INVALID_INPUT',
    ],
  ])('%s', async (_, path, as, status, code) => {
    const response = await site.get(path, as === undefined ? {} : { as });
    const { errors } = (await response.json()) as { errors: { message: string; extensions: { code: string } }[] };
    expect([response.status, errors[0]!.extensions.code]).toEqual([status, code]);
    expect(errors[0]!.message.length).toBeGreaterThan(10);
    if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('input that does not fit the schema is refused in the words of GraphQL', async () => {
    const wrong = { rang: 1, series: [{ event: 5 }] };
    const { body } = await site.site.post(
      { query: 'query ($input: TrendInput!) { trend(input: $input) { total: buckets } }', variables: { input: wrong } },
      { as: secrets.read },
    );
    const response = await site.get(`/export/trend.csv${toQuery({ input: wrong })}`);
    const messages = (of: unknown) => (of as { errors: { message: string }[] }).errors.map(({ message }) => message);
    expect(messages(await response.json())).toEqual(messages(body));
    expect(messages(body)).toHaveLength(3);
  });

  test('a warehouse that is away', async () => {
    const away = new TallygateError('WAREHOUSE_UNAVAILABLE', 'away', { retryAfterMs: 1000 });
    const beside = await site.openBeside(reading(() => Promise.reject(away)));
    const response = await fetch(beside.url + all('csv'), { headers: authorization });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    await beside.close();
  });

  test('HTTP/1.0, of which nobody knows where an answer ends', async () => {
    const { hostname, port } = new URL(site.url);
    const socket = connect(Number(port), hostname);
    socket.end(`GET ${all('csv')} HTTP/1.0\r\nAuthorization: Bearer ${secrets.read}\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [\s\S]*expected HTTP\/1\.1/);
  });
});

test('a project has its own rows and no others, whatever token it holds', async () => {
  await site.store([{ project: 'other', event: 'Secret', time: '2026-02-02 02:40:00.001' }]);
  const parameters = { range, ...fresh };
  const { headers } = await site.get(`/export/events.csv${toQuery({ ...parameters, rows: 1 })}`);
  const resume = headers.get('tallygate-resume') as string;
  for (const more of [{}, { resume }]) {
    const told = await site.get(`/export/events.ndjson${toQuery({ ...parameters, ...more })}`, {
      as: secrets.otherRead,
    });
    expect((await told.text()).split('\n').filter(Boolean)).toEqual([expect.stringContaining('"Secret"')]);
  }
  const filter = { property: '$event', value: 'Secret' };
  expect(await (await site.get(`/export/events.ndjson${toQuery({ ...parameters, filter })}`)).text()).toBe('');
});

describe('an export that fails in the middle never looks like a whole one', () => {
  const failure = new TallygateError('QUERY_TOO_EXPENSIVE', 'the report hit the limit of time');
  const open = () => site.openBeside(reading((page, run) => (page > 12 ? Promise.reject(failure) : run())));

  test.each(['csv', 'ndjson', 'arrow', 'parquet'])(
    '%s',
    async (format) => {
      const beside = await open();
      const response = await fetch(beside.url + all(format), { headers: authorization });
      expect(response.status).toBe(200);
      const chunks: Buffer[] = [];
      await expect(
        (async () => {
          for await (const chunk of response.body!) chunks.push(Buffer.from(chunk));
        })(),
      ).rejects.toThrow('terminated');
      const bytes = Buffer.concat(chunks);
      if (format === 'parquet') await expect(parquetReadObjects({ file: toFile(bytes) })).rejects.toThrow();
      if (format === 'arrow')
        expect(bytes.subarray(-8).equals(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]))).toBe(false);
      if (format === 'ndjson') {
        const lines = bytes.toString().split('\n');
        const { $error: error } = JSON.parse(lines.at(-2) as string) as { $error: Record<string, string> };
        const last = JSON.parse(lines.at(-3) as string) as { position: string };
        expect(error).toEqual({
          code: 'QUERY_TOO_EXPENSIVE',
          message: failure.message,
          resume: `${response.headers.get('tallygate-resume')}:${last.position}`,
        });
        const rest = await site.get(`/export/events.ndjson${toQuery({ range, ...fresh, resume: error.resume })}`);
        expect(lines.length - 2 + (await rest.text()).split('\n').length - 1).toBe(100_000);
      }
      await beside.close();
    },
    60_000,
  );

  test('when the gateway stops, too', async () => {
    const beside = await site.openBeside((inner) => inner);
    const response = await fetch(beside.url + all('ndjson'), { headers: authorization });
    const reader = response.body!.getReader();
    const chunks = [Buffer.from((await reader.read()).value!)];
    const closed = beside.close();
    await expect(
      (async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          chunks.push(Buffer.from(value));
        }
      })(),
    ).rejects.toThrow('terminated');
    await closed;
    const lines = Buffer.concat(chunks).toString().split('\n');
    const { position } = JSON.parse(lines.at(-3) as string) as { position: string };
    expect(JSON.parse(lines.at(-2) as string)).toEqual({
      $error: {
        code: 'SHUTTING_DOWN',
        message: expect.any(String),
        retriable: true,
        resume: `${response.headers.get('tallygate-resume')}:${position}`,
      },
    });
  }, 60_000);
});

test('a client that goes away ends its statement, and its place is free', async () => {
  let hangs = false;
  let hanging = 0;
  let aborted = 0;
  const beside = await site.openBeside(
    reading((_, run, { signal }) => {
      if (!hangs) return run();
      hanging++;
      return new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => {
          aborted++;
          reject(new TallygateError('CANCELLED', 'cancelled'));
        });
      });
    }),
  );
  // One more than a project may have at once.
  for (const i of [1, 2, 3]) {
    hangs = false;
    const cancel = new AbortController();
    const response = await fetch(beside.url + all('csv'), { headers: authorization, signal: cancel.signal });
    const reader = response.body!.getReader();
    await reader.read();
    hangs = true;
    while (hanging < i) await reader.read();
    cancel.abort();
    for (let left = 200; aborted < i && left > 0; left--) await sleep(25);
    expect(aborted).toBe(i);
  }
  for (let left = 200; !(await metricsOf(beside.url)).includes('tallygate_exports_running 0') && left > 0; left--)
    await sleep(25);
  const metrics = await metricsOf(beside.url);
  expect(metrics).toContain('tallygate_exports_running 0');
  expect(metrics).toContain('outcome="CANCELLED"} ');
  await beside.close();
}, 60_000);

test('a client that does not read makes the gateway wait, not collect', async () => {
  const wanted = all('csv');
  const { promise, resolve } = Promise.withResolvers<import('node:http').IncomingMessage>();
  httpGet(site.url + wanted, { headers: authorization }, resolve);
  const response = await promise;
  const written = async () =>
    Number(
      /tallygate_export_rows_total\{report="events",format="csv"\} (\d+)/.exec(await metricsOf(site.url))?.[1] ?? 0,
    );
  // Nobody reads: what was written stays where it is once the sockets are full.
  let before = -1;
  for (let same = 0, left = 100; same < 4 && left > 0; left--) {
    await sleep(200);
    const after = await written();
    same = after === before ? same + 1 : 0;
    before = after;
  }
  expect(before).toBeLessThan(60_000);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString().split('\r\n')).toHaveLength(100_002);
}, 60_000);

test('a project has its exports at once, and no more', async () => {
  const waiting = Promise.withResolvers<void>();
  const beside = await site.openBeside(reading((_, run) => waiting.promise.then(run)));
  const get = () => fetch(beside.url + all('csv'), { headers: authorization });
  const running = [get(), get()];
  for (let left = 200; !(await metricsOf(beside.url)).includes('tallygate_exports_running 2') && left > 0; left--)
    await sleep(25);
  const refused = await get();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toEqual({
    errors: [
      {
        message: 'expected at most 2 exports at once, but 2 of this project are running here: wait until one has ended',
        extensions: { code: 'TOO_MANY_EXPORTS', retriable: true, retryAfterMs: expect.any(Number), limit: 2 },
      },
    ],
  });
  waiting.resolve();
  for (const one of running) expect((await (await one).text()).length).toBeGreaterThan(1e8);
  expect((await get().then((one) => one.text())).length).toBeGreaterThan(1e8);
  await beside.close();
}, 120_000);

function toFile(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}
