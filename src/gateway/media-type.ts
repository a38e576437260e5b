import Negotiator from 'negotiator';

export const json = 'application/json; charset=utf-8';
const graphqlJson = 'application/graphql-response+json; charset=utf-8';

/** Clients send few different ones; whoever sends many pays for each. */
const mostKept = 100;
const kept = new Map<string, string | null>();

/** How an answer is to be labelled, by the Accept header; null when the client takes nothing that we have. */
export function toMediaType(accept: string | undefined): string | null {
  if (!accept) return json;
  let type = kept.get(accept);
  if (type === undefined) {
    type = new Negotiator({ headers: { accept } }).mediaType([json, graphqlJson]) ?? null;
    if (kept.size < mostKept && accept.length < 500) kept.set(accept, type);
  }
  return type;
}
