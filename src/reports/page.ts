import { TallygateError } from '../errors.ts';

export const mostNodes = 1000;

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

export interface Connection<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
}

/** `rows` holds one more than asked for when there is a next page. */
export function toConnection<R, Node>(
  rows: readonly R[],
  first: number,
  after: string | null | undefined,
  toNode: (row: R) => Node,
  toCursor: (row: R) => string,
): Connection<Node> {
  const edges = rows.slice(0, first).map((row) => ({ cursor: toCursor(row), node: toNode(row) }));
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: Boolean(after),
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges[edges.length - 1]?.cursor ?? null,
    },
  };
}

/** `most`: what a client may ask for; exports ask for more at once. */
export function parseFirst(first: number | null | undefined, most: number = mostNodes): number {
  const asked = first ?? 50;
  if (asked < 1 || asked > most)
    throw new TallygateError('INVALID_INPUT', `first: expected 1 to ${most}, got ${asked}`);
  return asked;
}

/** A position in a list that is ordered by time, stream and offset, newest first. */
export interface Place {
  readonly time: number;
  readonly stream: number;
  readonly offset: number;
}

export function encodeCursor({ time, stream, offset }: Place, snapshot = ''): string {
  return Buffer.from(JSON.stringify([time, stream, offset, snapshot])).toString('base64url');
}

export function parseCursor(cursor: string): Place & { readonly snapshot: string } {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor.slice(0, 300_000), 'base64url').toString());
  } catch {
    parts = null;
  }
  if (Array.isArray(parts) && parts.length === 4) {
    const [time, stream, offset, snapshot] = parts as unknown[];
    if (
      [time, stream, offset].every(Number.isSafeInteger) &&
      (stream as number) >= 0 &&
      (offset as number) >= 0 &&
      typeof snapshot === 'string'
    ) {
      return { time: time as number, stream: stream as number, offset: offset as number, snapshot };
    }
  }
  throw invalidCursor();
}

export function invalidCursor(): TallygateError {
  return new TallygateError(
    'INVALID_CURSOR',
    'after: expected a cursor that this connection handed out, got something else',
  );
}
