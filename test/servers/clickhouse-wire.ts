import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { EngineError } from './clickhouse-engine.ts';

const decoders: Record<string, (body: Buffer) => Promise<Buffer>> = {
  gzip: promisify(zlib.gunzip),
  deflate: promisify(zlib.inflate),
  br: promisify(zlib.brotliDecompress),
  zstd: promisify(zlib.zstdDecompress),
};
const encoders: Record<string, (body: Buffer) => Promise<Buffer>> = {
  zstd: promisify(zlib.zstdCompress),
  gzip: (body) => promisify(zlib.gzip)(body, { level: 3 }), // the server's default level
  deflate: promisify(zlib.deflate),
};

/** The whole body, decompressed. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const raw = await buffer(request);
  const encoding = request.headers['content-encoding'];
  if (!encoding || encoding === 'identity' || raw.length === 0) return raw;
  const decode = decoders[encoding];
  if (!decode) throw new EngineError(48, `Unknown compression method ${encoding}. (NOT_IMPLEMENTED)`);
  return decode(raw);
}

/** The client sends long parameters as a form instead of in the URL. */
export async function readForm(request: IncomingMessage, body: Buffer): Promise<[string, string][]> {
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/form-data')) return [];
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  return [...form].map(([name, value]) => {
    if (typeof value === 'string' && (name === 'query' || name.startsWith('param_'))) return [name, value];
    throw new EngineError(48, `External tables (${name}) are not supported by this process. (NOT_IMPLEMENTED)`);
  });
}

/** User and password, from whichever of the four places holds them. */
export function readCredentials(request: IncomingMessage, url: URL): { user: string; password: string } {
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() === 'basic') {
    const [user = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
    return { user, password: rest.join(':') };
  }
  const inHeader = (name: string) => toFirst(request.headers[name]);
  return {
    user: inHeader('x-clickhouse-user') ?? url.searchParams.get('user') ?? 'default',
    password: inHeader('x-clickhouse-key') ?? url.searchParams.get('password') ?? '',
  };
}

/** Answers, compressed when the client wants that and asks the server to do it. */
export async function send(request: IncomingMessage, response: ServerResponse, url: URL, plain: Buffer): Promise<void> {
  const accepted = (request.headers['accept-encoding'] ?? '').split(/\s*,\s*/);
  const wanted = url.searchParams.get('enable_http_compression') === '1';
  const encoding = wanted ? Object.keys(encoders).find((each) => accepted.includes(each)) : undefined;
  const body = encoding ? await encoders[encoding]?.(plain) : plain;
  if (response.destroyed) return;
  if (encoding) response.setHeader('Content-Encoding', encoding);
  response.end(body);
}

export const toFirst = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);

/** Errors that the server tells apart by status; all others are 500. */
const statusesByName: Readonly<Record<number, string>> = {
  400: `BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE CANNOT_PARSE_QUOTED_STRING
    CANNOT_PARSE_DATE CANNOT_PARSE_DATETIME CANNOT_PARSE_NUMBER CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6 CANNOT_PARSE_UUID
    CANNOT_PARSE_INPUT_ASSERTION_FAILED CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING DUPLICATE_COLUMN ILLEGAL_COLUMN
    THERE_IS_NO_COLUMN TOO_DEEP_AST TOO_BIG_AST UNEXPECTED_AST_STRUCTURE UNKNOWN_ELEMENT_IN_AST SYNTAX_ERROR
    INCORRECT_DATA TYPE_MISMATCH VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE`,
  401: 'REQUIRED_PASSWORD',
  403: 'UNKNOWN_USER WRONG_PASSWORD AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE ACCESS_DENIED',
  404: `UNKNOWN_TABLE UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_TYPE UNKNOWN_STORAGE UNKNOWN_DATABASE UNKNOWN_SETTING
    UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_FORMAT UNKNOWN_DATABASE_ENGINE UNKNOWN_TYPE_OF_QUERY UNKNOWN_ROLE`,
  408: 'TIMEOUT_EXCEEDED',
  413: 'QUERY_IS_TOO_LARGE',
  501: 'NOT_IMPLEMENTED',
  503: 'SOCKET_TIMEOUT CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK',
};
const statuses = new Map(
  Object.entries(statusesByName).flatMap(([status, names]) => names.split(/\s+/).map((name) => [name, Number(status)])),
);

/** The status of an error by the name at the end of its message. */
export function toHttpStatus(error: EngineError): number {
  return statuses.get(/\(([A-Z0-9_]+)\)\s*$/.exec(error.message)?.[1] ?? '') ?? 500;
}
