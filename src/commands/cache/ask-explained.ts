import { TallygateError, toMessage } from '../../errors.ts';
import type { Explanation } from '../../reports/explain/explain.ts';

export interface GraphQLRequestFile {
  readonly query: string;
  readonly variables?: unknown;
  readonly operationName?: unknown;
  readonly extensions?: unknown;
}

export interface Explained {
  /** null when the gateway gave none; `errors` say why. */
  readonly explanation: Explanation | null;
  /** Of the operation, each in one line. */
  readonly errors: readonly string[];
}

const timeoutMs = 120_000;

/** Throws WAREHOUSE_UNAVAILABLE when nothing answers, BAD_REQUEST when what answers is no gateway. */
export async function askExplained(
  { query, variables, operationName }: GraphQLRequestFile,
  { url, token, signal }: { readonly url: string; readonly token: string; readonly signal?: AbortSignal },
): Promise<Explained> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const body = JSON.stringify({ query, variables, operationName, extensions: { tallygate: { explain: true } } });
  let text: string;
  let status: number;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` },
      body,
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause ? toMessage(cause.cause) : toMessage(cause);
    throw new TallygateError(
      'WAREHOUSE_UNAVAILABLE',
      `no answer from ${url}: ${reason}. It has to be a running gateway ("tallygate serve" or "tallygate gateway"): what is in its memory is what is explained; --url names another one`,
      { cause },
    );
  }
  const answer = parse(text);
  if (!isObject(answer))
    throw new TallygateError(
      'BAD_REQUEST',
      `expected ${url} to answer as a gateway does, got HTTP ${status}: ${JSON.stringify(text.slice(0, 100))}`,
    );
  const errors = Array.isArray(answer.errors) ? answer.errors.map(toLine) : [];
  const block = isObject(answer.extensions) ? answer.extensions.tallygate : undefined;
  if (!isObject(block)) {
    const older = `${url} gave no explanation: it may be of an older version`;
    return { explanation: null, errors: errors.length > 0 ? errors : [older] };
  }
  const { explain, note } = block;
  return {
    explanation: isObject(explain) ? (explain as unknown as Explanation) : null,
    errors: [...errors, ...(typeof note === 'string' && errors.length === 0 ? [note] : [])],
  };
}

function toLine(error: unknown): string {
  if (!isObject(error)) return JSON.stringify(error);
  const { message, path, extensions } = error;
  const code = isObject(extensions) ? ` (${extensions.code})` : '';
  return `${Array.isArray(path) ? `${path.join('.')}: ` : ''}${message}${code}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
