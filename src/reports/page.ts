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
  return encodeParts([time, stream, offset, snapshot]);
}

export function parseCursor(cursor: string): Place & { readonly snapshot: string } {
  const [time, stream, offset, snapshot] = decodeParts(cursor, 4);
  if (
    [time, stream, offset].every(Number.isSafeInteger) &&
    (stream as number) >= 0 &&
    (offset as number) >= 0 &&
    typeof snapshot === 'string'
  ) {
    return { time: time as number, stream: stream as number, offset: offset as number, snapshot };
  }
  throw invalidCursor();
}

/** A place in a list whose order lasts as long as a snapshot: `parts` of a row, and the snapshot. */
export function encodeListCursor(parts: readonly string[], snapshot: string): string {
  return encodeParts([...parts, snapshot]);
}

/** `isPart`: for each part of a row, whether a text may be one. Throws INVALID_CURSOR, and INVALID_INPUT for one of another snapshot. */
export function parseListCursor(
  cursor: string,
  snapshot: string,
  isPart: readonly ((text: string) => boolean)[],
): readonly string[] {
  const parts = decodeParts(cursor, isPart.length + 1);
  if (!parts.every((part, i) => typeof part === 'string' && (isPart[i]?.(part) ?? true))) throw invalidCursor();
  if (parts.at(-1) !== snapshot)
    throw new TallygateError(
      'INVALID_INPUT',
      'after: expected freshness.at to be the meta.snapshot of the page that handed out this cursor, got another moment',
    );
  return parts.slice(0, -1) as string[];
}

/** The person's number, an order that never changes, and the snapshot to which the numbers belong. */
export function parsePersonCursor(cursor: string, snapshot: string): string {
  const [who = ''] = parseListCursor(cursor, snapshot, [(text) => /^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n]);
  return who;
}

function encodeParts(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

function decodeParts(cursor: string, count: number): readonly unknown[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor.slice(0, 300_000), 'base64url').toString());
  } catch {
    parts = null;
  }
  if (!Array.isArray(parts) || parts.length !== count) throw invalidCursor();
  return parts;
}

export function invalidCursor(): TallygateError {
  return new TallygateError(
    'INVALID_CURSOR',
    'after: expected a cursor that this connection handed out, got something else',
  );
}
