import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError, Kind } from 'graphql';
import { type ErrorCode, errorCodes, isTallygateError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Codes that GraphQL itself and Apollo Server add to ours; docs/errors.md has them. */
export const graphqlCodes = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
] as const;

const publicCodes = new Set<string>([
  ...(Object.keys(errorCodes) as ErrorCode[]).filter((code) => errorCodes[code].status !== 500),
  ...graphqlCodes,
]);

/** Half of the longest message: what was sent is quoted in it, and may be the whole body. */
const mostCharacters = 1000;

/** What of an error a client may see: never a stack, never what a bug says of itself, no names of a hidden schema. */
export function createErrorFormatter(logger: Logger, { hideSchema }: { readonly hideSchema: boolean }) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const { message, locations, path } = formatted;
    const where = { ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
    const code = toPublicCode(formatted.extensions?.code, error);
    if (code !== null) {
      const { stacktrace: _, http: __, ...extensions } = formatted.extensions ?? {};
      const told = hideSchema ? message.replace(/ Did you mean .*\?$/s, '') : message;
      return { message: shorten(told), ...where, extensions: { ...extensions, code } };
    }
    const reference = randomUUID();
    logger.error({ err: toOrigin(error), reference, path }, 'an operation failed for a reason of ours');
    return {
      message: `something went wrong here; it is in the service's log as ${reference}`,
      ...where,
      extensions: { code: 'INTERNAL', reference },
    };
  };
}

/** null for what is no client's business. */
function toPublicCode(code: unknown, error: unknown): string | null {
  const origin = toOrigin(error);
  if (typeof code === 'string' && publicCodes.has(code)) {
    // Scalars may throw anything about a value that does not fit.
    return code === 'BAD_USER_INPUT' || origin instanceof GraphQLError || isTallygateError(origin) ? code : null;
  }
  if (!(error instanceof GraphQLError) || !(origin instanceof GraphQLError)) return null;
  // Apollo Server gives some refusals of a request a status and no code.
  const status = toHttp(error)?.status;
  if (status !== undefined && status < 500) return 'BAD_REQUEST';
  // graphql-js says so without a path when variables do not fit, and at the argument when that turns out not to.
  return error.path === undefined || isAboutArgument(origin) ? 'BAD_USER_INPUT' : null;
}

function isAboutArgument({ nodes }: GraphQLError): boolean {
  return nodes !== undefined && nodes.length > 0 && nodes.every(({ kind }) => kind !== Kind.FIELD);
}

/** What was thrown first. */
function toOrigin(error: unknown): unknown {
  let origin = error;
  while (origin instanceof GraphQLError && origin.originalError) origin = origin.originalError;
  return origin;
}

function shorten(message: string): string {
  if (message.length <= 2 * mostCharacters) return message;
  return `${message.slice(0, mostCharacters).toWellFormed()}[...]${message.slice(-mostCharacters).toWellFormed()}`;
}

export interface HttpFacts {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

const fine: HttpFacts = { status: 200, headers: new Map() };

/**
 * One failed tile does not make the dashboard fail: an answer has an error's status only when nothing else is in it. Of
 * several the highest counts, whatever came first: it is what a client has to wait for.
 */
export function toHttpFacts(
  data: Readonly<Record<string, unknown>> | null,
  errors: readonly GraphQLError[] | undefined,
): HttpFacts {
  if (!errors || errors.length === 0) return fine;
  if (data !== null) for (const name in data) if (data[name] !== null) return fine;
  return errors.map(toFacts).reduce((worst, facts) => (facts.status > worst.status ? facts : worst));
}

function toFacts(error: GraphQLError): HttpFacts {
  const { status, headers = fine.headers } = toHttp(error) ?? {};
  return { status: status ?? (isAboutArgument(toOrigin(error) as GraphQLError) ? 400 : 500), headers };
}

/** The compiled lane's errors have no extensions where graphql-js has empty ones. */
function toHttp(error: GraphQLError): Partial<HttpFacts> | undefined {
  return (error.extensions as GraphQLError['extensions'] | undefined)?.http as Partial<HttpFacts> | undefined;
}
