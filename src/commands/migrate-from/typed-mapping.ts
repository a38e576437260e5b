import { resolveColumns } from '../import/columns.ts';
import type { Mapping } from '../import/mapping.ts';
import type { Column } from './table.ts';

/**
 * The columns of a table have types, other than cells of a file: what the table has as text stays text, also "12" and
 * "true", unless the mapping says otherwise.
 */
export function toTypedMapping(mapping: Mapping, columns: readonly Column[]): Mapping {
  const isText = new Map(columns.map(({ name, category }) => [name, category === 'S' || category === 'E']));
  const names = columns.map(({ name }) => name);
  const rest = resolveColumns(names, mapping, false).assignments.flatMap(({ column, target }) =>
    target.field === 'rest' && isText.get(column)
      ? [{ target: { field: 'properties' as const, path: [column] }, column, type: 'string' as const }]
      : [],
  );
  const mapped = mapping.columns.map((each) =>
    each.target.path.length > 0 && each.type === 'auto' && isText.get(each.column)
      ? { ...each, type: 'string' as const }
      : each,
  );
  return { ...mapping, columns: [...mapped, ...rest] };
}
