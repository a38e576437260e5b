import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'hdr-histogram-js';
import { joinVectors, type PositionVector } from '../../../src/events/position.ts';
import { parseConsistencyToken, toConsistencyToken } from '../../../src/events/tokens.ts';
import { createEvents } from '../events.ts';
import { toTrackBody, trackingHeaders } from '../operations.ts';
import { serveJobs } from '../worker.ts';

export interface OpenLoadJob {
  readonly url: string;
  /** Requests, spread evenly over the time, whether or not the earlier ones were answered. */
  readonly requests: number;
  readonly seconds: number;
  /** As many of the first events are sent once more at the end, as a client does that has not seen the answer. */
  readonly resent: number;
  readonly idPrefix: string;
}

export interface OpenLoad {
  /** messageIds that were answered with ACCEPTED. */
  readonly acknowledged: number;
  /** What else came, and how often. */
  readonly errors: Readonly<Record<string, number>>;
  /** Milliseconds from the moment at which a request was due. */
  readonly latency: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>;
  /** How late the load generator itself was, p99 in milliseconds: that much of the latency is not the service's. */
  readonly lateness: number;
  /** Stands for everything that was acknowledged. */
  readonly token: string;
}

interface Answer {
  readonly data?: { readonly track?: { readonly result: { readonly status: string }; readonly token: string } | null };
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

const timeoutMs = 30_000;

const createHistogram = () =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
const toMicroseconds = (milliseconds: number) => Math.max(1, Math.round(milliseconds * 1000));

serveJobs<OpenLoadJob, OpenLoad>(async ({ url, requests, seconds, resent, idPrefix }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 512, scheduling: 'fifo' });
  const next = createEvents('open', idPrefix);
  const latencies = createHistogram();
  const latenesses = createHistogram();
  const errors: Record<string, number> = {};
  const firstBodies: Buffer[] = [];
  let written: PositionVector = new Map();
  let acknowledged = 0;
  let open = 0;

  const track = (body: Buffer, due: number, onAccepted: () => void) => {
    open++;
    latenesses.recordValue(toMicroseconds(performance.now() - due));
    const settle = (outcome: string) => {
      open--;
      latencies.recordValue(toMicroseconds(performance.now() - due));
      if (outcome === 'ACCEPTED') onAccepted();
      else errors[outcome] = (errors[outcome] ?? 0) + 1;
    };
    const headers = { ...trackingHeaders, 'content-length': body.length };
    const sent = request(`${url}/graphql`, { method: 'POST', headers, agent, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => settle('broken answer'));
      response.on('end', () => settle(read(response.statusCode ?? 0, Buffer.concat(chunks))));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    sent.end(body);
  };
  const read = (status: number, body: Buffer): string => {
    if (status !== 200) return `HTTP ${status}`;
    const { data, errors: refusals } = JSON.parse(body.toString()) as Answer;
    if (!data?.track) return refusals?.[0]?.extensions.code ?? 'no data';
    written = joinVectors([written, parseConsistencyToken(data.track.token)]);
    return data.track.result.status;
  };

  const begin = performance.now() + 100;
  for (let i = 0; i < requests; ) {
    const now = performance.now();
    for (; i < requests && begin + (i * seconds * 1000) / requests <= now; i++) {
      const body = toTrackBody(next(Date.now()));
      if (firstBodies.length < resent) firstBodies.push(body);
      track(body, begin + (i * seconds * 1000) / requests, () => acknowledged++);
    }
    await sleep(1);
  }
  while (open > 0) await sleep(5);
  const us = (percentile: number) => latencies.getValueAtPercentile(percentile) / 1000;
  const latency = { p50: us(50), p90: us(90), p99: us(99), p999: us(99.9), max: latencies.maxValue / 1000 };
  const lateness = latenesses.getValueAtPercentile(99) / 1000;
  for (const body of firstBodies) track(body, performance.now(), () => {});
  while (open > 0) await sleep(5);
  agent.destroy();
  return { acknowledged, errors, latency, lateness, token: toConsistencyToken(written) };
});
