import { Writable } from 'node:stream';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { toGraphQLError } from '../../resolvers/field.ts';
import { type ErrorCode, errorCodes, TallygateError } from '../../src/errors.ts';
import { createErrorFormatter, toHttpFacts } from '../../src/gateway/graphql-errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

const lines: string[] = [];
const logger = createLogger(
  'info',
  new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  }),
);
const format = createErrorFormatter(logger, { hideSchema: false });
beforeEach(() => {
  lines.length = 0;
});

/** As graphql-js and Apollo Server hand it over. */
function show(thrown: unknown, code = 'INTERNAL_SERVER_ERROR'): GraphQLFormattedError {
  const original = thrown instanceof Error ? thrown : new Error(String(thrown));
  const located = new GraphQLError(original.message, { path: ['a'], originalError: original });
  return format(
    {
      message: located.message,
      path: ['a'],
      extensions: { ...located.extensions, code: located.extensions.code ?? code, stacktrace: ['at secret'] },
    },
    located,
  );
}

const codes = Object.keys(errorCodes) as ErrorCode[];

test.each(codes.filter((code) => errorCodes[code].status !== 500))('%s reaches the client with its facts', (code) => {
  const thrown = new TallygateError(code, 'expected this, got that', {
    details: { limit: 7 },
    cause: new Error('secret'),
  });
  const { message, path, extensions } = show(toGraphQLError(thrown));
  const { status, retriable } = errorCodes[code];
  expect(message).toBe('expected this, got that');
  expect(path).toEqual(['a']);
  expect(extensions).toEqual({
    code,
    limit: 7,
    ...(retriable ? { retriable: true } : {}),
    ...(status === 503 ? { retryAfterMs: 1000 } : {}),
  });
  expect(lines).toEqual([]);
});

const internal = codes.filter((code) => errorCodes[code].status === 500);
test.each([
  ...internal.map((code) => [code, toGraphQLError(new TallygateError(code, 'wk_secret'))] as const),
  ['a bug', new TypeError('wk_secret is undefined')] as const,
  [
    'an error that claims a code',
    Object.assign(new Error('wk_secret'), { extensions: { code: 'FORBIDDEN' } }),
  ] as const,
  ['a text', 'wk_secret'] as const,
])('%s is masked, and in the log under its reference', (_, thrown) => {
  const { message, path, extensions } = show(thrown);
  expect(extensions).toEqual({ code: 'INTERNAL', reference: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(message).toBe(`something went wrong here; it is in the service's log as ${extensions?.reference}`);
  expect(path).toEqual(['a']);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: 'error',
    reference: extensions?.reference,
    path: ['a'],
  });
});

test('a long message keeps its beginning and its end', () => {
  const { message } = show(toGraphQLError(new TallygateError('INVALID_INPUT', `a: ${'😀'.repeat(5000)}; got that`)));
  expect(message).toHaveLength(2005);
  expect(message).toMatch(/^a: .*\[\.\.\.\].*; got that$/);
  expect(message.isWellFormed()).toBe(true);
});

test('names of a schema that is hidden are not suggested', () => {
  const hiding = createErrorFormatter(logger, { hideSchema: true });
  const error = new GraphQLError('Cannot query field "a". Did you mean "b" or "c"?', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
  expect(hiding({ message: error.message, extensions: { code: 'BAD_USER_INPUT' } }, error).message).toBe(
    'Cannot query field "a".',
  );
});

describe('the status of an answer', () => {
  const errorOf = (code: ErrorCode, retryAfterMs?: number) =>
    toGraphQLError(new TallygateError(code, 'x', retryAfterMs === undefined ? {} : { retryAfterMs })) as GraphQLError;
  const bug = new GraphQLError('x', { originalError: new Error('x') });

  test('is 200 when there is anything in it, and when nothing failed', () => {
    expect(toHttpFacts({ a: 1, b: null }, [errorOf('FORBIDDEN')]).status).toBe(200);
    expect(toHttpFacts({ a: false, b: null }, [bug]).status).toBe(200);
    expect(toHttpFacts({ a: null }, undefined).status).toBe(200);
    expect(toHttpFacts({}, undefined).status).toBe(200);
  });

  test('is that of the gravest error when there is nothing in it, in whatever order they came', () => {
    const errors = [errorOf('INVALID_RANGE'), errorOf('WAREHOUSE_UNAVAILABLE', 2500), errorOf('FORBIDDEN')];
    for (const order of [errors, [...errors].reverse()]) {
      const { status, headers } = toHttpFacts({ a: null, b: null, c: null }, order);
      expect([status, Object.fromEntries(headers)]).toEqual([503, { 'retry-after': '3' }]);
    }
    expect(toHttpFacts(null, [errorOf('UNAUTHENTICATED')])).toEqual({
      status: 401,
      headers: new Map([['www-authenticate', 'Bearer']]),
    });
    expect(toHttpFacts({ a: null }, [bug]).status).toBe(500);
  });

  test.each(codes.filter((code) => errorCodes[code].status === 503))('of %s comes with Retry-After', (code) => {
    expect(toHttpFacts({ a: null }, [errorOf(code)]).headers.get('retry-after')).toBe('1');
    expect(toHttpFacts({ a: null }, [errorOf(code, 1)]).headers.get('retry-after')).toBe('1');
    expect(toHttpFacts({ a: null }, [errorOf(code, 60_000)]).headers.get('retry-after')).toBe('60');
  });
});
