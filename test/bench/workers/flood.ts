import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'hdr-histogram-js';
import { createEvents } from '../events.ts';
import { toBatchBody, trackingHeaders } from '../operations.ts';
import { serveJobs } from '../worker.ts';

export interface FloodJob {
  readonly url: string;
  /** Requests of a hundred events, spread evenly over the time, whether or not the earlier ones were answered. */
  readonly requests: number;
  readonly seconds: number;
}

export interface Flood {
  /** Events. */
  readonly accepted: number;
  readonly refused: number;
  /** Refused as a whole without a hint when to come again; broken connections, time-outs. Both should be 0. */
  readonly withoutHint: number;
  readonly broken: number;
  /** Milliseconds since a request was due, of those of which something was accepted, and of those refused as a whole. */
  readonly acceptedMs: Percentiles;
  readonly refusedMs: Percentiles;
}

export type Percentiles = Readonly<Record<'p50' | 'p99', number>>;

interface Answer {
  readonly data?: { readonly trackBatch?: { readonly accepted: number } | null };
  readonly errors?: readonly { readonly extensions: { readonly retryAfterMs?: number } }[];
}

const events = 100;
const timeoutMs = 30_000;
/** Different bodies; nothing stores them, so they may come again. */
const pool = 200;

const createHistogram = () =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000, numberOfSignificantValueDigits: 3 });

const next = createEvents('flood', 'flood');
const bodies = Array.from({ length: pool }, () => toBatchBody(Array.from({ length: events }, () => next(Date.now()))));

serveJobs<FloodJob, Flood>(async ({ url, requests, seconds }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'fifo' });
  const [acceptedMs, refusedMs] = [createHistogram(), createHistogram()];
  const counts = { accepted: 0, refused: 0, withoutHint: 0, broken: 0 };
  let open = 0;

  function send(body: Buffer, due: number): void {
    open++;
    const settle = (answer: Answer | null, hinted: boolean) => {
      open--;
      const taken = answer?.data?.trackBatch?.accepted ?? 0;
      counts.accepted += taken;
      counts.refused += events - taken;
      if (answer === null) counts.broken++;
      else if (taken === 0 && !(hinted && (answer.errors?.[0]?.extensions.retryAfterMs ?? 0) > 0)) counts.withoutHint++;
      (taken > 0 ? acceptedMs : refusedMs).recordValue(Math.max(1, Math.round(performance.now() - due)));
    };
    const headers = { ...trackingHeaders, 'content-length': body.length };
    const sent = request(`${url}/graphql`, { method: 'POST', headers, agent, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const hinted = response.statusCode === 503 && Number(response.headers['retry-after']) >= 1;
        settle(JSON.parse(Buffer.concat(chunks).toString()), hinted);
      });
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => settle(null, false));
    sent.end(body);
  }

  const begin = performance.now() + 100;
  for (let i = 0; i < requests; await sleep(1)) {
    for (let due = begin; i < requests && due <= performance.now(); i++) {
      due = begin + (i * seconds * 1000) / requests;
      if (due <= performance.now()) send(bodies[i % pool] as Buffer, due);
      else break;
    }
  }
  while (open > 0) await sleep(5);
  agent.destroy();
  const percentiles = (histogram: ReturnType<typeof createHistogram>): Percentiles => ({
    p50: histogram.totalCount === 0 ? Number.NaN : histogram.getValueAtPercentile(50),
    p99: histogram.totalCount === 0 ? Number.NaN : histogram.getValueAtPercentile(99),
  });
  return { ...counts, acceptedMs: percentiles(acceptedMs), refusedMs: percentiles(refusedMs) };
});
