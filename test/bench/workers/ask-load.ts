import autocannon from 'autocannon';
import { serveJobs } from '../worker.ts';

export interface AskJob {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
}

export interface AskLoad {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Answers other than 2xx, broken connections, time-outs. */
  readonly errors: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Asks the same as fast as the answers come, over connections that are kept. */
serveJobs<AskJob, AskLoad>(async ({ url, body, headers, connections, seconds }) => {
  const started = performance.now();
  const result = await autocannon({
    url: `${url}/graphql`,
    method: 'POST',
    headers: { ...headers },
    body,
    connections,
    duration: seconds,
    sampleInt: 100,
  });
  const took = Math.min((performance.now() - started) / 1000, result.duration);
  return {
    requestsPerSecond: result['2xx'] / took,
    requests: result['2xx'],
    errors: result.non2xx + result.errors,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
});
