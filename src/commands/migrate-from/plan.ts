import { checkColumns, resolveColumns } from '../import/columns.ts';
import type { Mapping } from '../import/mapping.ts';
import { type Places, toPlaces } from './places.ts';
import { type Selection, toRowsSql } from './rows.ts';
import type { Source } from './source.ts';
import { type Column, describeTable, estimateRows, type Table } from './table.ts';
import { toTypedMapping } from './typed-mapping.ts';

export interface Plan {
  readonly table: Table;
  readonly mapping: Mapping;
  readonly columns: readonly Column[];
  readonly places: Places | undefined;
  readonly selection: Selection;
  readonly estimate: number | undefined;
}

interface PlanOptions {
  readonly table: string;
  readonly key: readonly string[] | undefined;
  readonly where: string;
  readonly mapping: Mapping;
  readonly statementMs: number;
}

/** Looks at the table before anything is read or sent. */
export async function makePlan(source: Source, options: PlanOptions): Promise<Plan> {
  const { where, statementMs } = options;
  const doing = `to read ${options.table}`;
  return source.read({ doing, timeoutMs: statementMs }, async (snapshot) => {
    const table = await describeTable(snapshot, options.table, options.key);
    const mapping = toTypedMapping(options.mapping, table.columns);
    checkColumns(
      table.columns.map(({ name }) => name),
      mapping,
      table.name,
    );
    const used = new Set(
      resolveColumns(
        table.columns.map(({ name }) => name),
        mapping,
        false,
      ).assignments.map(({ index }) => index),
    );
    const columns = table.columns.filter((_, index) => used.has(index));
    const places = toPlaces(table, mapping);
    const selection = { table, columns, where, time: places?.time ?? 'NULL', event: places?.event ?? 'NULL' };
    // Says early when the user may not read the table, or --where is no condition.
    await snapshot.query(toRowsSql(selection, 'TRUE LIMIT 1'));
    return { table, mapping, columns, places, selection, estimate: await estimateRows(snapshot, table, where) };
  });
}

/** Whether rows bring a messageId. */
export function hasOwnIds({ columns, mapping }: Plan): boolean {
  const names = columns.map(({ name }) => name);
  return resolveColumns(names, mapping, false).assignments.some(({ target }) => target.field === 'messageId');
}
