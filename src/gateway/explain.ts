import type { FastifyRequest } from 'fastify';
import type { Caller, ExplainRequest } from '../../resolvers/context.ts';
import { authorize } from '../../resolvers/field.ts';
import { isTallygateError, TallygateError } from '../errors.ts';
import { createRecorder, type Explanation } from '../reports/explain/explain.ts';

/** A header for clients that cannot add to the body. */
export const explainHeader = 'tallygate-explain';

/** What an answer's `extensions.tallygate` is when an explanation was asked for. */
export interface ExplainBlock {
  /** null when there is nothing to explain, or it may not be shown. */
  readonly explain: Explanation | null;
  /** Why there is none. */
  readonly note?: string;
}

/** undefined when nobody asks. Who may not read reports gets an answer without an explanation, and a note. Throws BAD_REQUEST. */
export function toExplainRequest(request: FastifyRequest, caller: Caller | null): ExplainRequest | undefined {
  const inHeader = parseHeader(request.headers[explainHeader]);
  const inBody = parseExtension(request);
  if (!(inBody ?? inHeader ?? false)) return undefined;
  try {
    authorize(caller, 'read');
    return { recorder: createRecorder(), note: null };
  } catch (thrown) {
    if (!isTallygateError(thrown)) throw thrown;
    return { recorder: null, note: `not explained: ${thrown.message}` };
  }
}

export async function toExplainBlock({ recorder, note }: ExplainRequest): Promise<ExplainBlock> {
  if (note !== null) return { explain: null, note };
  const explain = (await recorder?.finish()) ?? null;
  return explain === null ? { explain, note: 'the operation asked for no report' } : { explain };
}

function parseHeader(header: string | readonly string[] | undefined): boolean | undefined {
  if (header === undefined || header === '') return undefined;
  const text = String(header).toLowerCase();
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw new TallygateError('BAD_REQUEST', `header ${explainHeader}: expected 1 or 0, got ${show(header)}`);
}

function parseExtension({ method, body, query }: FastifyRequest): boolean | undefined {
  const from = method === 'POST' ? body : query;
  const extensions = isObject(from) ? parseText(from.extensions) : undefined;
  if (!isObject(extensions) || extensions.tallygate === undefined || extensions.tallygate === null) return undefined;
  const { tallygate } = extensions;
  if (!isObject(tallygate))
    throw new TallygateError(
      'BAD_REQUEST',
      `extensions.tallygate: expected { "explain": true }, got ${show(tallygate)}`,
    );
  const [unknown] = Object.keys(tallygate).filter((name) => name !== 'explain');
  if (unknown !== undefined)
    throw new TallygateError(
      'BAD_REQUEST',
      `extensions.tallygate: expected explain and nothing else, got ${show(unknown)}`,
    );
  const { explain } = tallygate;
  if (explain === undefined || explain === null || typeof explain === 'boolean') return explain ?? undefined;
  throw new TallygateError('BAD_REQUEST', `extensions.tallygate.explain: expected true or false, got ${show(explain)}`);
}

/** GET has extensions as text. What is no JSON is for Apollo Server to refuse. */
function parseText(extensions: unknown): unknown {
  if (typeof extensions !== 'string') return extensions;
  try {
    return JSON.parse(extensions);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
