import { once } from 'node:events';
import { createServer } from 'node:http';
import { findFreePorts } from '../servers/ports.ts';
import { openWarehouseProxy, tooManyParts } from './warehouse-proxy.ts';

test('the proxy in front of ClickHouse knows inserts, and does each thing to them', async () => {
  const [target, port] = (await findFreePorts(2)) as [number, number];
  const got: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    try {
      for await (const chunk of request) body += chunk;
      got.push(body);
    } catch {
      got.push('torn');
    }
    response.end('Ok.');
  });
  server.listen(target, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openWarehouseProxy(port, `http://127.0.0.1:${target}`);
  const insert = new URLSearchParams({
    query: "INSERT INTO events SETTINGS async_insert = 0, insert_deduplication_token = '0:1-2:ab' FORMAT JSONEachRow",
  });
  const send = async (search = `${insert}`) => {
    const response = await fetch(`${proxy.url}/?${search}`, { method: 'POST', body: 'rows'.repeat(100) });
    return `${response.status} ${await response.text()}`;
  };
  const stored: unknown[] = [];
  proxy.onStored = (each) => void stored.push(each);
  expect(await send()).toBe('200 Ok.');
  expect(stored).toEqual([{ table: 'events', token: '0:1-2:ab' }]);
  const rows = 'rows'.repeat(100);
  proxy.onInsert = () => tooManyParts;
  expect(await send()).toMatch(/^500 Code: 252\. .*TOO_MANY_PARTS/);
  expect(await send('query=SELECT+1')).toBe('200 Ok.');
  proxy.onInsert = () => 'reset';
  await expect(send()).rejects.toThrow('fetch failed');
  expect(got).toEqual([rows, rows]);
  proxy.onInsert = () => 'torn';
  await expect(send()).rejects.toThrow('fetch failed');
  proxy.onInsert = () => 'lost';
  await expect(send()).rejects.toThrow('fetch failed');
  expect(got.filter((each) => each === rows).length).toBe(3);
  expect(got.includes('torn')).toBe(true);
  expect(stored.length).toBe(2);
  await proxy.close();
  server.close();
});
