import { type ErrorCode, type ErrorOptions, errorCodes, TallygateError, toMessage } from '../../errors.ts';
import { type EventResult, isObject, type JsonObject, type Send } from './event-input.ts';

export interface GatewayOptions {
  readonly url: string;
  /** A write key. */
  readonly key: string;
  /** Longest time for one request, in milliseconds. */
  readonly timeoutMs?: number;
  /** Given the token of what was taken, for each request. */
  readonly onToken?: (token: string) => void;
}

const query = `mutation Import($events: [EventInput!]!) {
  trackBatch(input: { events: $events, lane: HISTORY }) {
    results { index messageId status errors { code path message } }
    token
  }
}`;

/** Sends through a running gateway's trackBatch. Throws INVALID_INPUT when the address is none. */
export function createGatewaySend({ url, key, timeoutMs = 30_000, onToken }: GatewayOptions): Send {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new TallygateError(
      'INVALID_INPUT',
      `--url: expected an address such as http://127.0.0.1:4000/graphql, got ${url}`,
    );
  }
  return async (events) => {
    const response = await post(url, key, JSON.stringify({ query, variables: { events } }), timeoutMs);
    const { status, headers, body } = response;
    const results = readResults(body);
    if (results?.length === events.length) {
      const token = readToken(body);
      if (token !== undefined) onToken?.(token);
      return results;
    }
    if (results)
      throw new TallygateError('INTERNAL', `expected ${events.length} results from ${url}, got ${results.length}`);
    throw toError(url, status, headers, body);
  };
}

async function post(url: string, key: string, body: string, timeoutMs: number) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${key}` },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parseJson(text) };
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause ? toMessage(cause.cause) : toMessage(cause);
    throw new TallygateError('LOG_UNAVAILABLE', `no answer from ${url}: ${reason}`, { cause });
  }
}

function parseJson(text: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : text;
  } catch {
    return text;
  }
}

function readResults(body: JsonObject | string): EventResult[] | undefined {
  if (!isObject(body) || !isObject(body.data) || !isObject(body.data.trackBatch)) return undefined;
  const { results } = body.data.trackBatch;
  return Array.isArray(results) ? (results as EventResult[]).toSorted((a, b) => a.index - b.index) : undefined;
}

function readToken(body: JsonObject | string): string | undefined {
  if (!isObject(body) || !isObject(body.data) || !isObject(body.data.trackBatch)) return undefined;
  const { token } = body.data.trackBatch;
  return typeof token === 'string' ? token : undefined;
}

/** What the status means where the answer has no code of ours, as from a proxy in between. */
const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  408: 'LOG_UNAVAILABLE',
  413: 'PAYLOAD_TOO_LARGE',
  425: 'LOG_UNAVAILABLE',
  429: 'LOG_OVERLOADED',
  500: 'LOG_UNAVAILABLE',
  502: 'LOG_UNAVAILABLE',
  503: 'LOG_UNAVAILABLE',
  504: 'LOG_UNAVAILABLE',
};

function toError(url: string, status: number, headers: Headers, body: JsonObject | string): TallygateError {
  const errors = isObject(body) && Array.isArray(body.errors) ? body.errors.filter(isObject) : [];
  const [first] = errors;
  const extensions = isObject(first?.extensions) ? first.extensions : {};
  const stated = Object.hasOwn(errorCodes, String(extensions.code)) ? (extensions.code as ErrorCode) : undefined;
  // An unexpected failure may have stored the events or not: the same ids make another try safe.
  const code = stated === 'INTERNAL' ? 'LOG_UNAVAILABLE' : (stated ?? codeByStatus[status] ?? 'BAD_REQUEST');
  const said = first
    ? String(first.message)
    : `HTTP ${status}${typeof body === 'string' ? `: ${body.slice(0, 200)}` : ''}`;
  const retryAfterMs = Number(extensions.retryAfterMs) || parseRetryAfter(headers.get('retry-after'));
  // The value that is quoted before it may hold anything, but there quotes are escaped.
  const places = errors.flatMap(({ message }) =>
    [...String(message).matchAll(/at "events\[(\d+)\]/g)].map((m) => Number(m[1])),
  );
  const options: ErrorOptions = {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(errorCodes[code].retriable || places.length === 0 ? {} : { details: { events: [...new Set(places)] } }),
  };
  return new TallygateError(code, `${url} answered: ${said}`, options);
}

/** Seconds or a date, to milliseconds from now. */
function parseRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const millis = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(millis) ? Math.max(0, millis) : undefined;
}
