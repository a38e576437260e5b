import { docValue, type Sql, sql, value } from '../sql.ts';
import type { Scalar } from './values.ts';

/**
 * Whether the list at a path holds a value. A list is stored under the type of its elements, or of each one by itself
 * where they differ.
 */
export function inList(path: readonly string[], item: Scalar, ignoreCase: boolean): Sql {
  const listOf = (type: string) => docValue(path, `Array(${type})`);
  const mixedHas = (condition: Sql) => sql`arrayExists(e -> ifNull(${condition}, 0), ${listOf('Dynamic')})`;
  switch (typeof item) {
    case 'string': {
      const wanted = value('String', item);
      if (!ignoreCase)
        return sql`(has(${listOf('Nullable(String)')}, ${wanted}) OR ${mixedHas(sql`dynamicElement(e, 'String') = ${wanted}`)})`;
      const same = (text: Sql) => sql`lowerUTF8(${text}) = lowerUTF8(${wanted})`;
      return sql`(arrayExists(e -> ifNull(${same(sql`e`)}, 0), ${listOf('Nullable(String)')}) OR ${mixedHas(same(sql`dynamicElement(e, 'String')`))})`;
    }
    case 'boolean': {
      const wanted = value('Bool', item);
      return sql`(has(${listOf('Nullable(Bool)')}, ${wanted}) OR ${mixedHas(sql`dynamicElement(e, 'Bool') = ${wanted}`)})`;
    }
    default: {
      const wanted = value('Float64', item);
      const whole = sql`arrayExists(e -> ifNull(toFloat64(e) = ${wanted}, 0), ${listOf('Nullable(Int64)')})`;
      const mixed = sql`coalesce(dynamicElement(e, 'Float64'), toFloat64(dynamicElement(e, 'Int64'))) = ${wanted}`;
      return sql`(has(${listOf('Nullable(Float64)')}, ${wanted}) OR ${whole} OR ${mixedHas(mixed)})`;
    }
  }
}
