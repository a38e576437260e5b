import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request as requestUpstream, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** An INSERT on its way to ClickHouse. */
export interface Insert {
  readonly table: string;
  readonly token: string;
}

/** What ClickHouse says when it refuses; the status is always 500. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

/**
 * `pass`; `reset`: the connection breaks and ClickHouse has seen nothing; `torn`: it breaks in the middle of the rows; `lost`:
 * ClickHouse has stored and answered, and the connection breaks instead of the answer; or a refusal in ClickHouse's place.
 */
export type InsertFate = 'pass' | 'reset' | 'torn' | 'lost' | Refusal;

export const tooManyParts: Refusal = {
  code: 252,
  text: 'Too many parts (3000). Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)',
};
export const serverError: Refusal = { code: 1000, text: 'Poco::Exception. (POCO_EXCEPTION)' };

/** In front of ClickHouse's HTTP interface: knows inserts, and does to them what a network or a server in trouble does. */
export interface WarehouseProxy {
  readonly url: string;
  /** Asked before each INSERT is sent on; null lets all pass. It may take its time. */
  onInsert: ((insert: Insert) => InsertFate | Promise<InsertFate>) | null;
  /** Told when ClickHouse has answered an INSERT, before the client hears of it. */
  onStored: ((insert: Insert) => void | Promise<void>) | null;
  /** Before each request, inserts or not: false breaks the connection. */
  onRequest: (() => boolean | Promise<boolean>) | null;
  close(): Promise<void>;
}

export async function openWarehouseProxy(port: number, target: string): Promise<WarehouseProxy> {
  const { hostname, port: targetPort } = new URL(target);
  // A connection of its own for each request: nothing but this proxy decides which ones break.
  const agent = new Agent({ keepAlive: false });
  const sockets = new Set<Socket>();

  function send(request: IncomingMessage, body: Buffer, length: number): Promise<[IncomingMessage, Buffer]> {
    return new Promise((resolve, reject) => {
      const { 'transfer-encoding': _, ...headers } = request.headers;
      const upstream = requestUpstream(
        {
          agent,
          host: hostname,
          port: targetPort,
          method: request.method,
          path: request.url,
          headers: { ...headers, connection: 'close', 'content-length': body.length },
        },
        (answer) => void readAll(answer).then((bytes) => resolve([answer, bytes]), reject),
      );
      upstream.on('error', reject);
      if (length === body.length) upstream.end(body);
      else upstream.write(body.subarray(0, length), () => upstream.destroy(new Error('torn')));
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    if (proxy.onRequest && !(await proxy.onRequest())) return void request.socket.destroy();
    const insert = toInsert(request.url ?? '/');
    const fate = insert && proxy.onInsert ? await proxy.onInsert(insert) : 'pass';
    if (fate === 'reset') return void request.socket.destroy();
    if (typeof fate === 'object') {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': fate.code });
      return void response.end(`Code: ${fate.code}. DB::Exception: ${fate.text}\n`);
    }
    const [answer, bytes] = await send(request, body, fate === 'torn' ? body.length >> 1 : body.length);
    if (insert && answer.statusCode === 200) await proxy.onStored?.(insert);
    if (fate === 'lost') return void request.socket.destroy();
    const {
      'transfer-encoding': _,
      'content-length': __,
      connection: ___,
      'keep-alive': ____,
      ...headers
    } = answer.headers;
    response.writeHead(answer.statusCode ?? 500, { ...headers, 'content-length': bytes.length });
    response.end(bytes);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  server.keepAliveTimeout = 10_000; // ClickHouse's own
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const proxy: WarehouseProxy = {
    url: `http://127.0.0.1:${port}`,
    onInsert: null,
    onStored: null,
    onRequest: null,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      agent.destroy();
    },
  };
  return proxy;
}

function toInsert(path: string): Insert | null {
  const sql = new URL(path, 'http://127.0.0.1').searchParams.get('query') ?? '';
  const table = /^\s*INSERT INTO (\w+) /.exec(sql)?.[1];
  const token = /insert_deduplication_token = '([^']*)'/.exec(sql)?.[1];
  return table === undefined || token === undefined ? null : { table, token };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
