import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { EngineError, openEngine } from './clickhouse-engine.ts';
import { scanStatement } from './clickhouse-sql.ts';
import { readBody, readCredentials, readForm, send, toFirst, toHttpStatus } from './clickhouse-wire.ts';

// The ClickHouse engine (chDB) behind ClickHouse's HTTP interface: node clickhouse-http.ts DIR PORT [USER PASSWORD]
// It is a process of its own because the engine serves one folder a process, and to be killed.
// What it leaves out it refuses with NOT_IMPLEMENTED: sessions, roles, external tables, INSERT ... FROM input().

const [dir, port, user = 'default', password = '', usersFile] = process.argv.slice(2);
if (!dir || !port) throw new Error('expected DIR PORT [USER PASSWORD]');
const engine = await openEngine(dir, usersFile);

/** URL parameters that belong to the protocol; every other one is a setting of the statement. */
const notSettings = new Set(
  `query query_id database default_format user password quota_key stacktrace buffer_size wait_end_of_query session_timeout
  session_check client_protocol_version compress decompress enable_http_compression http_zlib_compression_level`.split(
    /\s+/,
  ),
);
const unsupported = ['session_id', 'close_session', 'role', 'compress', 'decompress'];

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (['/ping', '/replicas_status'].includes(url.pathname)) return void response.end('Ok.\n');
  const queryId = url.searchParams.get('query_id') || randomUUID();
  response.setHeader('X-ClickHouse-Query-Id', queryId);
  response.setHeader('X-ClickHouse-Server-Display-Name', 'chdb');
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  answer(request, response, url, queryId).catch((thrown: unknown) => {
    const error = thrown instanceof EngineError ? thrown : new EngineError(1002, `${thrown} (UNKNOWN_EXCEPTION)`);
    response.setHeader('X-ClickHouse-Exception-Code', error.code);
    response.statusCode = toHttpStatus(error);
    const text = `Code: ${error.code}. DB::Exception: ${error.message} (version ${engine.version})\n`;
    return send(request, response, url, Buffer.from(text));
  });
});

async function answer(request: IncomingMessage, response: ServerResponse, url: URL, queryId: string): Promise<void> {
  const given = readCredentials(request, url);
  if (given.user !== user || given.password !== password) {
    const reason = 'Authentication failed: password is incorrect, or there is no user with such name.';
    throw new EngineError(516, `${given.user}: ${reason} (AUTHENTICATION_FAILED)`);
  }
  if (url.pathname !== '/') throw new EngineError(36, `There is no handle ${url.pathname}. (BAD_ARGUMENTS)`);
  for (const name of unsupported)
    if (!['0', null].includes(url.searchParams.get(name)))
      throw new EngineError(48, `${name} is not supported by this process. (NOT_IMPLEMENTED)`);

  const body = await readBody(request);
  const form = await readForm(request, body);
  const parameters = [...url.searchParams, ...form];
  const inParameters = parameters.find(([name]) => name === 'query')?.[1];
  const sql = inParameters ?? body.toString();
  if (sql.trim() === '') return void response.end('Ok.\n');
  const { second } = scanStatement(sql);
  if (second !== -1) {
    const reason = `Syntax error (Multi-statements are not allowed): failed at position ${second + 1}`;
    throw new EngineError(62, `${reason}. (SYNTAX_ERROR)`);
  }
  const settings = parameters.filter(([name]) => !notSettings.has(name) && !name.startsWith('param_'));
  for (const [name] of settings)
    if (!/^\w+$/.test(name)) throw new EngineError(115, `Unknown setting '${name}'. (UNKNOWN_SETTING)`);
  if (request.method === 'GET' && !settings.some(([name]) => name === 'readonly')) settings.push(['readonly', '2']);

  const result = await withTurn(() => {
    if (response.destroyed) return Promise.resolve(undefined);
    const forget = cancelWhenClientLeaves(response, settings, queryId);
    const statement = {
      queryId,
      database: toFirst(request.headers['x-clickhouse-database']) ?? url.searchParams.get('database') ?? 'default',
      params: parameters.flatMap(([name, value]) =>
        name.startsWith('param_') ? [[name.slice(6), value] as const] : [],
      ),
      settings,
      format:
        toFirst(request.headers['x-clickhouse-format']) ?? url.searchParams.get('default_format') ?? 'TabSeparated',
      sql,
      data: inParameters !== undefined && form.length === 0 && body.length > 0 ? body : undefined,
    };
    return engine.run(statement).finally(forget);
  });
  if (!result) return;
  response.setHeader('X-ClickHouse-Summary', JSON.stringify(result.summary));
  await send(request, response, url, result.bytes);
}

/** As the server does it: read-only statements alone, and only when the client has asked for it. */
function cancelWhenClientLeaves(response: ServerResponse, settings: [string, string][], queryId: string): () => void {
  const isOn = (wanted: string) => settings.some(([name, value]) => name === wanted && value !== '0');
  if (!isOn('readonly') || !isOn('cancel_http_readonly_queries_on_client_close')) return () => undefined;
  const cancel = () => void engine.cancel(queryId).catch(() => undefined);
  response.once('close', cancel);
  return () => response.off('close', cancel);
}

// A running statement holds one of libuv's threads; two stay free, for KILL and for compression.
const atOnce = Number(process.env.UV_THREADPOOL_SIZE ?? 4) - 2;
let running = 0;
const waiting: (() => void)[] = [];

async function withTurn<Result>(action: () => Promise<Result>): Promise<Result> {
  if (running < atOnce) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await action();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

server.keepAliveTimeout = 10_000; // the server's own default
server.requestTimeout = 0;
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`ClickHouse ${engine.version} listens on 127.0.0.1:${port}`),
);
process.once('SIGTERM', () => {
  server.close(() => {
    engine.close();
    process.exit(0);
  });
  setInterval(() => server.closeIdleConnections(), 20); // each when its last answer is out
});
