import type { ReportRequest } from '../../reports/reports.ts';
import type { ReportMeta } from '../../reports/session.ts';

/** A report as a table: what every format writes. Each table stands in a file of tables/ and in docs/exporting.md. */

/**
 * text and json are texts, json one that holds JSON exactly as it was sent. time is milliseconds since 1970. integer is a
 * whole number within 2^53, number any.
 */
export type ColumnType = 'text' | 'json' | 'time' | 'integer' | 'number' | 'boolean';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export type Cell = string | number | boolean | null;

/** One cell for each column, in their order. */
export type Row = readonly Cell[];

export interface Page {
  readonly rows: readonly Row[];
  /** For each row, what continues behind it. Left out where that is the number of rows. */
  readonly positions?: readonly string[];
}

export interface OpenTable {
  readonly meta: Pick<ReportMeta, 'asOf' | 'snapshot' | 'warnings'>;
  /** `after`: a position; null for the beginning, and always for a table that has none. */
  pages(after: string | null): AsyncIterable<Page>;
}

/** Begins another operation: each page of a list is one. */
export type Ask = () => ReportRequest;

export interface Table<Args = never> {
  readonly name: string;
  /** As a GraphQL operation declares its variables; input types are those of the schema. */
  readonly parameters: string;
  readonly columns: readonly Column[];
  /** Whether rows have positions of their own. */
  readonly hasPositions?: boolean;
  /** `args`: coerced by the schema. */
  open(ask: Ask, args: Args): Promise<OpenTable>;
}

const rowsOfPage = 1000;

/** A report that is answered as a whole. */
export function toOpenTable(meta: ReportMeta, rows: Iterable<Row>): OpenTable {
  async function* pages(): AsyncGenerator<Page> {
    let page: Row[] = [];
    for (const row of rows) {
      page.push(row);
      if (page.length < rowsOfPage) continue;
      yield { rows: page };
      page = [];
    }
    if (page.length > 0) yield { rows: page };
  }
  return { meta, pages };
}

interface Persons {
  readonly nodes: readonly {
    readonly id: string;
    readonly userId: string | null;
    readonly anonymousId: string | null;
  }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** Persons of one page. Each page computes its list anew, so they are larger than those of clients. */
export const personsOfPage = 20_000;

export const personColumns: readonly Column[] = [
  { name: 'id', type: 'text' },
  { name: 'userId', type: 'text' },
  { name: 'anonymousId', type: 'text' },
];

/** A list of persons, the first page of which was read. */
export function toPersonTable(
  meta: ReportMeta,
  first: Persons,
  readNext: (after: string, snapshot: string) => Promise<Persons>,
): OpenTable {
  async function* pages(): AsyncGenerator<Page> {
    for (let page = first; ; page = await readNext(page.pageInfo.endCursor as string, meta.snapshot)) {
      if (page.nodes.length > 0)
        yield { rows: page.nodes.map(({ id, userId, anonymousId }) => [id, userId, anonymousId]) };
      if (!page.pageInfo.hasNextPage) return;
    }
  }
  return { meta, pages };
}
