import { TallygateError, toMessage } from '../../errors.ts';
import type { TrendInput } from '../../reports/trend/trend.ts';
import { isObject, type JsonObject } from '../import/event-input.ts';

/** What of a trend is needed here. */
export interface TrendAnswer {
  readonly buckets: readonly (Date | string)[];
  readonly series: readonly { readonly breakdown: readonly string[]; readonly values: readonly (number | null)[] }[];
  readonly meta: { readonly consistency: string };
}

export interface Trace {
  readonly messageId: string;
  readonly state: string;
  /** How often it came again with something else in it. */
  readonly conflicts: number;
}

/** Asks Tallygate: a running gateway, or the reports of this process. */
export interface Reporter {
  trend(input: TrendInput): Promise<TrendAnswer>;
  /** What became of these events; at most 1,000 ids. */
  traces(messageIds: readonly string[]): Promise<readonly Trace[]>;
}

const trendQuery = `query Compare($input: TrendInput!) {
  trend(input: $input) { buckets series { breakdown values } meta { consistency } }
}`;
const statusQuery = `query Traces($messageIds: [ID!]!) {
  eventStatus(messageIds: $messageIds) { messageId state conflicts }
}`;

export function createGatewayReporter(url: string, token: string, timeoutMs = 90_000): Reporter {
  async function ask(query: string, variables: object): Promise<JsonObject> {
    let body: unknown;
    let status: number;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      body = await response.json();
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause ? toMessage(cause.cause) : toMessage(cause);
      throw new TallygateError('WAREHOUSE_UNAVAILABLE', `no report from ${url}: ${reason}`, { cause });
    }
    const [error] = isObject(body) && Array.isArray(body.errors) ? (body.errors as JsonObject[]) : [];
    if (!error && isObject(body) && isObject(body.data)) return body.data;
    const retriable = isObject(error?.extensions) ? error.extensions.retriable === true : status >= 500;
    throw new TallygateError(
      retriable ? 'WAREHOUSE_UNAVAILABLE' : 'INVALID_INPUT',
      `${url} does not answer what the comparison asks: ${error ? String(error.message) : `HTTP ${status}`}`,
    );
  }

  return {
    trend: async (input) => (await ask(trendQuery, { input })).trend as TrendAnswer,
    traces: async (messageIds) => (await ask(statusQuery, { messageIds })).eventStatus as Trace[],
  };
}
