import type { PlainTrack } from './events.ts';

/** What clients send: one operation, its events in variables. */
const trackDocument =
  'mutation Track($input: TrackInput!) { track(input: $input) { result { messageId status errors { code message } } token } }';
const batchDocument =
  'mutation TrackBatch($input: TrackBatchInput!) { trackBatch(input: $input) { accepted rejected results { messageId status errors { code message } } token } }';

export function toTrackBody(event: PlainTrack): Buffer {
  return Buffer.from(JSON.stringify({ query: trackDocument, variables: { input: event } }));
}

export function toBatchBody(events: readonly PlainTrack[]): Buffer {
  return Buffer.from(
    JSON.stringify({ query: batchDocument, variables: { input: { events: events.map((track) => ({ track })) } } }),
  );
}

export const writeKey = 'wk_bench';
export const readToken = 'rt_bench';
/** Settings of every service that a benchmark starts. */
export const credentials = { WRITE_KEYS: `demo=${writeKey}`, READ_TOKENS: `demo=${readToken}` } as const;
export const trackingHeaders = { 'content-type': 'application/json', authorization: `Bearer ${writeKey}` } as const;
