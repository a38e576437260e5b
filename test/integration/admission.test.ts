import type { EventLog } from '../../src/ports/event-log.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { openSite, type Site, secrets } from './graphql-site.ts';

const track = { query: 'mutation ($id: ID!) { track(input: { event: "E", userId: "u", messageId: $id }) { token } }' };
const mutation = (id: string) => ({ ...track, variables: { id } });
const report = { query: '{ ingestion { lag } }' };

/** A log that keeps every append waiting until it is told to go on. */
function createSlowLog() {
  const gate = Promise.withResolvers<void>();
  let offset = 0;
  const log: EventLog = {
    partitions: () => 1,
    append: async (_partition, records) => {
      await gate.promise;
      offset += records.length;
      return offset - records.length;
    },
    inspect: async () => [{ begin: 0, end: offset, committed: null }],
    async *read() {},
    consume: () => Promise.reject(new Error('expected nobody to consume')),
    close: async () => {},
  };
  return { log, goOn: gate.resolve };
}

const absent = new Proxy({} as Warehouse, {
  get: () => () => Promise.reject(new Error('expected nobody to ask the warehouse')),
});

let site: Site;
afterEach(() => site.close());

const untilInFlight = async (wanted: number) => {
  for (;;) {
    const { text } = await site.send({ method: 'GET', url: '/metrics' });
    if (text.includes(`\ntallygate_http_in_flight ${wanted + 1}\n`)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test('what would wait for too many others is refused at once, reports first, and room that is free again is given', async () => {
  const { log, goOn } = createSlowLog();
  site = await openSite({ log, warehouse: absent, admission: { mostRequests: 4, mostBytes: 1e6 } });
  const waiting = [1, 2].map((n) => site.post(mutation(`m${n}`), { as: secrets.write }));
  await untilInFlight(2);
  // Half full: no reports any more, but mutations.
  const refused = await site.post(report, { as: secrets.read });
  expect(refused.status).toBe(503);
  expect(refused.body.errors?.[0]?.extensions).toMatchObject({ code: 'OVERLOADED', retriable: true });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(refused.headers['access-control-allow-origin']).toBe('*');
  waiting.push(...[3, 4].map((n) => site.post(mutation(`m${n}`), { as: secrets.write })));
  await untilInFlight(4);
  const late = await Promise.all([5, 6, 7].map((n) => site.post(mutation(`m${n}`), { as: secrets.write })));
  for (const { status, body } of late) {
    expect(status).toBe(503);
    expect(body.errors?.[0]?.message).toContain('4 requests are being answered');
    expect(body.errors?.[0]?.extensions.retryAfterMs).toBeGreaterThanOrEqual(1000);
  }
  goOn();
  for (const { status, body } of await Promise.all(waiting)) {
    expect(status).toBe(200);
    expect(body.errors).toBeUndefined();
  }
  expect((await site.post(mutation('m8'), { as: secrets.write })).status).toBe(200);
});

test('bytes are bounded as well; a single request that is allowed at all is always let in', async () => {
  const { log, goOn } = createSlowLog();
  site = await openSite({ log, warehouse: absent, admission: { mostRequests: 100, mostBytes: 300 } });
  const large = mutation('x'.repeat(100));
  const headers = { 'content-length': String(Buffer.byteLength(JSON.stringify(large))) };
  const first = site.post(large, { as: secrets.write, headers });
  await untilInFlight(1);
  expect((await site.post(large, { as: secrets.write, headers })).status).toBe(503);
  goOn();
  expect((await first).status).toBe(200);
  expect((await site.post(large, { as: secrets.write, headers })).status).toBe(200);
});
