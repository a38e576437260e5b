import { secrets } from './graphql-site.ts';

/** Requests that are refused whole, each with the sentence that says why. */

const track = 'mutation ($input: TrackInput!) { track(input: $input) { token } }';
const batch =
  'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted results { errors { code path message } } } }';
const trend = 'query ($input: TrendInput!) { trend(input: $input) { buckets } }';
const event = { event: 'a', userId: 'u' };
const ofTrack = (more: object) => ({ query: track, variables: { input: { ...event, ...more } } });
const ofBatch = (events: unknown) => ({ query: batch, variables: { input: { events } } });
const ofTrend = (more: object) => ({
  query: trend,
  variables: { input: { range: { last: '2d' }, series: [{}], ...more } },
});
const ofRange = (range: object) => ofTrend({ range });

export interface Refusal {
  readonly send: object | string;
  readonly as?: string | null;
  readonly authorization?: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const who: Readonly<Record<string, Refusal>> = {
  'an unknown key': {
    send: ofTrack({}),
    as: 'wk_nobody',
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'expected a credential that is known here, got an unknown one',
  },
  'an unknown key, before a broken document': {
    send: { query: '{ nope' },
    as: 'wk_nobody',
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'expected a credential that is known here, got an unknown one',
  },
  'another scheme': {
    send: ofTrack({}),
    authorization: 'Basic d2tfMGExYjJjM2Q0ZTVmOg==',
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'expected Authorization: Bearer ..., got the scheme Basic',
  },
  'a key without a scheme': {
    send: ofTrack({}),
    authorization: secrets.write,
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'expected Authorization: Bearer ..., got another form',
  },
  'no key': {
    send: ofTrack({}),
    as: null,
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'expected a credential: Authorization: Bearer ..., got none',
  },
  'a read token on a mutation': {
    send: ofTrack({}),
    as: secrets.read,
    status: 403,
    code: 'FORBIDDEN',
    message: 'expected a credential with the right to write, got one with the right to read',
  },
  'a write key on a report': {
    send: ofTrend({}),
    as: secrets.write,
    status: 403,
    code: 'FORBIDDEN',
    message: 'expected a credential with the right to read, got one with the right to write',
  },
};

const bodies: Readonly<Record<string, Refusal>> = {
  'a body that is cut off': {
    send: '{"query": "mutation',
    status: 400,
    code: 'BAD_REQUEST',
    message: 'expected a body of plain JSON, got Unterminated string in JSON at position 19 (line 1 column 20)',
  },
  'no body': {
    send: '',
    status: 400,
    code: 'BAD_REQUEST',
    message: 'expected a body of plain JSON, got Unexpected end of JSON input',
  },
  'a number': {
    send: '3',
    status: 400,
    code: 'BAD_REQUEST',
    message: 'expected a JSON object with query and variables, got a number',
  },
  null: {
    send: 'null',
    status: 400,
    code: 'BAD_REQUEST',
    message: 'expected a JSON object with query and variables, got null',
  },
  'a list of operations': {
    send: [{ query: track }],
    status: 400,
    code: 'BAD_REQUEST',
    message:
      'expected one operation in a request, got a list: trackBatch takes many events, and an operation many fields',
  },
  'a body over the limit': {
    send: ofTrack({ properties: { long: 'x'.repeat(540_000) } }),
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
    message: 'expected a body of at most 536576 bytes, got more: send fewer events in a batch',
  },
  'variables as a text': {
    send: { query: track, variables: '{}' },
    status: 400,
    code: 'BAD_REQUEST',
    message: '`variables` in a POST body should be provided as an object, not a recursively JSON-encoded string.',
  },
  'variables as a list': {
    send: { query: track, variables: [] },
    status: 400,
    code: 'BAD_REQUEST',
    message: '`variables` in a POST body must be an object if provided.',
  },
  'a name that is none': {
    send: { query: track, operationName: 3 },
    status: 400,
    code: 'BAD_REQUEST',
    message: '`operationName` in a POST body must be a string if provided.',
  },
  'no document': {
    send: { variables: {} },
    status: 400,
    code: 'BAD_REQUEST',
    message: 'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.',
  },
  'a hash of another document': {
    send: { query: '{ __typename }', extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } } },
    status: 400,
    code: 'BAD_REQUEST',
    message: 'provided sha does not match query',
  },
  'an unknown version of persisted queries': {
    send: { extensions: { persistedQuery: { version: 2, sha256Hash: 'abc' } } },
    status: 400,
    code: 'BAD_REQUEST',
    message: 'Unsupported persisted query version',
  },
};

const documents: Readonly<Record<string, Refusal>> = {
  'a syntax error': {
    send: { query: 'mutation { track(' },
    status: 400,
    code: 'GRAPHQL_PARSE_FAILED',
    message: 'Syntax Error: Expected Name, found <EOF>.',
  },
  'an unknown field': {
    send: { query: '{ trnd { buckets } }' },
    status: 400,
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'Cannot query field "trnd" on type "Query". Did you mean "trend"?',
  },
  'an unknown operation': {
    send: { query: 'query A { __typename }', operationName: 'B' },
    status: 400,
    code: 'OPERATION_RESOLUTION_FAILURE',
    message: 'Unknown operation named "B".',
  },
  'two operations and no name': {
    send: { query: 'query A { __typename } query B { __typename }' },
    status: 400,
    code: 'OPERATION_RESOLUTION_FAILURE',
    message: 'Must provide operation name if query contains multiple operations.',
  },
  'very deep nesting': {
    send: { query: '{a'.repeat(101) + '}'.repeat(101) },
    status: 400,
    code: 'BAD_REQUEST',
    message: 'expected a document that is nested at most 100 levels, got more',
  },
  'very many fragments': {
    send: { query: `{ ${'...A '.repeat(201)} } fragment A on Query { __typename }` },
    status: 400,
    code: 'BAD_REQUEST',
    message: 'expected a document with at most 200 fragments, got more',
  },
  'a bomb of aliases': {
    send: { query: `{ ${Array.from({ length: 61 }, (_, i) => `a${i}: ingestion { lag }`).join(' ')} }` },
    status: 400,
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'expected at most 60 fields of Query or Mutation in one operation, got 61',
  },
  'too many tokens': {
    send: { query: `{ ${'__typename '.repeat(5000)} }` },
    status: 400,
    code: 'GRAPHQL_PARSE_FAILED',
    message: 'Syntax Error: Document contains more that 5000 tokens. Parsing aborted.',
  },
  'a circle of fragments': {
    send: { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' },
    status: 400,
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'Cannot spread fragment "A" within itself via "B".',
  },
};

const variables: Readonly<Record<string, Refusal>> = {
  'a wrong type in a batch': {
    send: ofBatch([{ track: event }, { track: event }, { track: event }, { track: { ...event, event: 7 } }]),
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$input" got invalid value 7 at "input.events[3].track.event"; String cannot represent a non string value: 7',
  },
  'an event of two kinds': {
    send: ofBatch([{ track: event, page: { userId: 'u' } }]),
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$input" got invalid value { track: { event: "a", userId: "u" }, page: { userId: "u" } } at "input.events[0]"; Exactly one key must be specified for OneOf type "EventInput".',
  },
  'an event of no kind': {
    send: ofBatch([{}]),
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$input" got invalid value {} at "input.events[0]"; Exactly one key must be specified for OneOf type "EventInput".',
  },
  'an event that is null': {
    send: ofBatch([{ track: null }]),
    status: 400,
    code: 'BAD_USER_INPUT',
    message: 'Variable "$input" got invalid value null at "input.events[0].track"; Field "track" must be non-null.',
  },
  'a field that nobody knows': {
    send: ofTrack({ userid: 'x' }),
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$input" got invalid value { event: "a", userId: "u", userid: "x" }; Field "userid" is not defined by type "TrackInput". Did you mean "userId"?',
  },
  'a missing variable': {
    send: { query: track },
    status: 400,
    code: 'BAD_USER_INPUT',
    message: 'Variable "$input" of required type "TrackInput!" was not provided.',
  },
  'a time in words': {
    send: ofTrack({ timestamp: 'yesterday' }),
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$input" got invalid value "yesterday" at "input.timestamp"; expected a DateTime such as "2026-03-01T12:00:00.000Z", got "yesterday"',
  },
  'properties that are a list': {
    send: ofTrack({ properties: [1] }),
    status: 400,
    code: 'BAD_USER_INPUT',
    message: 'Variable "$input" got invalid value [1] at "input.properties"; expected a JSON object, got a list',
  },
  'a name where JSON is expected': {
    send: { query: 'mutation { track(input: { event: "a", userId: "u", properties: { plan: PRO } }) { token } }' },
    status: 400,
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'expected a JSON value, got the name PRO: write "PRO"',
  },
  'null for an input with a default': {
    send: {
      query: 'mutation ($i: TrackInput = { event: "a" }) { track(input: $i) { token } }',
      variables: { i: null },
    },
    status: 400,
    code: 'BAD_USER_INPUT',
    message: 'Argument "input" of non-null type "TrackInput!" must not be null.',
  },
  'a number beyond an Int': {
    send: { query: 'query ($n: Int) { deadLetters(first: $n) { nodes { record } } }', variables: { n: 2 ** 64 } },
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$n" got invalid value 18446744073709552000; Int cannot represent non 32-bit signed integer value: 18446744073709552000',
  },
  'too many events': {
    send: ofBatch(Array.from({ length: 2501 }, () => ({ track: event }))),
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
    message: 'events: expected at most 2500, got 2501: send the rest in another batch',
  },
};

const reports: Readonly<Record<string, Refusal>> = {
  'an unknown timezone': {
    send: ofRange({ last: '2d', timezone: 'Mars/Olympus' }),
    status: 400,
    code: 'UNKNOWN_TIMEZONE',
    message: 'expected a name of the IANA time zone database, as Europe/Berlin, got "Mars/Olympus"',
  },
  'an empty range': {
    send: ofRange({ from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }),
    status: 400,
    code: 'INVALID_RANGE',
    message: 'expected from before to, got from 2026-01-01T00:00:00.000Z and to 2026-01-01T00:00:00.000Z',
  },
  'an inverted range': {
    send: ofRange({ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }),
    status: 400,
    code: 'INVALID_RANGE',
    message: 'expected from before to, got from 2026-01-02T00:00:00.000Z and to 2026-01-01T00:00:00.000Z',
  },
  'no range': {
    send: ofRange({}),
    status: 400,
    code: 'INVALID_RANGE',
    message: 'expected from (and to) or last, got neither',
  },
  'an unknown unit': {
    send: ofRange({ last: '3x' }),
    status: 400,
    code: 'INVALID_RANGE',
    message: 'expected last to be a number and a unit of m, h, d, w, M, q, y, as in "30d", got "3x"',
  },
  'an unknown operator': {
    send: ofTrend({ filter: { property: 'a', op: 'LIKE', value: 'x' } }),
    status: 400,
    code: 'BAD_USER_INPUT',
    message:
      'Variable "$input" got invalid value "LIKE" at "input.filter.op"; Value "LIKE" does not exist in "FilterOp" enum. Did you mean the enum value "LTE"?',
  },
  'an empty filter': {
    send: ofTrend({ filter: {} }),
    status: 400,
    code: 'INVALID_FILTER',
    message: 'filter: expected exactly one of and, or, not, cohort, property; got none',
  },
  'too many buckets': {
    send: ofTrend({ range: { last: '2y' }, interval: 'MINUTE' }),
    status: 400,
    code: 'TOO_MANY_BUCKETS',
    message:
      'expected at most 10000 buckets, got about 1051200 of one MINUTE each: ask for a shorter range or a coarser interval',
  },
  'a token of somebody else': {
    send: ofTrend({ freshness: { after: 'xyz' } }),
    status: 400,
    code: 'INVALID_TOKEN',
    message: 'expected a token that this service handed out, got something else',
  },
  'a cursor of somebody else': {
    send: { query: '{ events(range: { last: "1d" }, after: "zzz") { nodes { event } } }' },
    status: 400,
    code: 'INVALID_CURSOR',
    message: 'after: expected a cursor that this connection handed out, got something else',
  },
  'too large a page': {
    send: { query: '{ events(range: { last: "1d" }, first: 5000) { nodes { event } } }' },
    status: 400,
    code: 'INVALID_INPUT',
    message: 'first: expected 1 to 1000, got 5000',
  },
};

export const refusals = { ...who, ...bodies, ...documents, ...variables, ...reports };
