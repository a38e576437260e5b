import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../servers/ports.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

describe('the TCP proxy', () => {
  let server: Server;
  let proxy: TcpProxy;
  let got: string;
  let clients: Socket[] = [];

  beforeEach(async () => {
    const [port, target] = (await findFreePorts(2)) as [number, number];
    got = '';
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        got += chunk;
        socket.write(chunk);
      });
    });
    server.listen(target, '127.0.0.1');
    await once(server, 'listening');
    proxy = await openTcpProxy({ port, target: { port: target } });
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    clients = [];
    await proxy.close();
    server.close();
  });

  async function open() {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    const state = { text: '', closed: false, socket };
    socket.on('data', (chunk) => {
      state.text += chunk;
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      state.closed = true;
    });
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    return state;
  }

  async function until(check: () => boolean): Promise<void> {
    for (const deadline = Date.now() + 10_000; !check(); await sleep(5))
      if (Date.now() > deadline) throw new Error('expected it within 10 s');
  }

  test('passes everything both ways, ends included', async () => {
    const client = await open();
    client.socket.end('hello');
    await until(() => client.text === 'hello' && client.closed);
  });

  test('what is held in one direction is late, and whole', async () => {
    const client = await open();
    proxy.hold('down');
    client.socket.write('abc');
    await until(() => got === 'abc');
    await sleep(50);
    expect(client.text).toBe('');
    proxy.release();
    await until(() => client.text === 'abc');
    proxy.hold('up');
    client.socket.write('def');
    await sleep(50);
    expect(got).toBe('abc');
    proxy.release();
    await until(() => client.text === 'abcdef');
  });

  test('cuts, refuses and accepts again', async () => {
    const client = await open();
    proxy.cut();
    await until(() => client.closed);
    await proxy.refuse();
    const refused = await open();
    await until(() => refused.closed);
    await proxy.accept();
    const again = await open();
    again.socket.write('x');
    await until(() => again.text === 'x');
  });
});

test('frames of Kafka: the answer to one kind of request can be swallowed, others pass', async () => {
  const [port, target] = (await findFreePorts(2)) as [number, number];
  const toFrame = (...words: number[]) => {
    const frame = Buffer.alloc(4 + 4 * words.length);
    frame.writeInt32BE(4 * words.length, 0);
    words.forEach((word, i) => {
      frame.writeInt32BE(word, 4 + 4 * i);
    });
    return frame;
  };
  // Answers each request with its correlation id.
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (let at = 0; at < chunk.length; at += 4 + chunk.readInt32BE(at))
        socket.write(toFrame(chunk.readInt32BE(at + 8)));
    });
  });
  server.listen(target, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openTcpProxy({ port, target: { port: target }, frames: true });
  const seen: string[] = [];
  proxy.onFrame = ({ direction, apiKey }) => {
    seen.push(`${direction} ${apiKey}`);
    return direction === 'response' && apiKey === 0 ? 'drop' : 'pass';
  };
  const client = connect(port, '127.0.0.1');
  let answers = Buffer.alloc(0);
  client.on('data', (chunk) => {
    answers = Buffer.concat([answers, chunk]);
  });
  const requests = Buffer.concat([toFrame(0x0003_0001, 11), toFrame(0x0000_0009, 12), toFrame(0x0008_0001, 13)]);
  client.write(requests.subarray(0, 17)); // in the middle of a frame
  await sleep(20);
  client.write(requests.subarray(17));
  while (answers.length < 16) await sleep(5);
  await sleep(50);
  expect(answers).toEqual(Buffer.concat([toFrame(11), toFrame(13)]));
  expect(seen.filter((each) => each.startsWith('request'))).toEqual(['request 3', 'request 0', 'request 8']);
  client.destroy();
  await proxy.close();
  server.close();
});
