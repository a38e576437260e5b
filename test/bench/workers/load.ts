import autocannon, { type Client } from 'autocannon';
import { createEvents } from '../events.ts';
import { toBatchBody, toTrackBody, trackingHeaders } from '../operations.ts';
import { serveJobs } from '../worker.ts';

export interface LoadJob {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Events of one request: 1 sends `track`, more send `trackBatch`. */
  readonly eventsPerRequest: number;
  /** Bodies that are made beforehand; they are sent again from the beginning only when all were sent. */
  readonly requests: number;
  /** Begins every messageId; another one for each job. */
  readonly idPrefix: string;
}

export interface Load {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Answers other than 2xx, broken connections, time-outs. */
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  /** Whether some messageIds were sent twice. */
  readonly repeated: boolean;
}

/** Sends as fast as the answers come, over connections that are kept. Making the bodies takes no time of the measurement. */
serveJobs<LoadJob, Load>(async ({ url, connections, seconds, eventsPerRequest, requests, idPrefix }) => {
  const next = createEvents('load', idPrefix);
  const now = Date.now();
  const perConnection = Math.ceil(requests / connections);
  const toBody = () =>
    eventsPerRequest === 1
      ? toTrackBody(next(now))
      : toBatchBody(Array.from({ length: eventsPerRequest }, () => next(now)));

  let answers = 0;
  let mostOfOne = 0;
  let first = 0;
  let last = 0;
  const setupClient = (client: Client) => {
    client.setRequests(Array.from({ length: perConnection }, () => ({ body: toBody() })));
    let own = 0;
    client.on('response', () => {
      last = performance.now();
      first ||= last;
      answers++;
      mostOfOne = Math.max(mostOfOne, ++own);
    });
  };
  const result = await autocannon({
    url: `${url}/graphql`,
    method: 'POST',
    headers: trackingHeaders,
    connections,
    duration: seconds,
    sampleInt: 100,
    setupClient,
  });
  return {
    requestsPerSecond: ((answers - 1) / (last - first)) * 1000,
    requests: result['2xx'],
    errors: result.non2xx + result.errors,
    p50: result.latency.p50,
    p99: result.latency.p99,
    repeated: mostOfOne >= perConnection,
  };
});
