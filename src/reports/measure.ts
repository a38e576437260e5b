import { TallygateError } from '../errors.ts';
import { type FilterInput, toCondition } from './filter.ts';
import { person } from './plan.ts';
import { type Property, parseProperty, toNumber, toText } from './property.ts';
import { allOf, type Sql, sql, value } from './sql.ts';

export type Measure =
  | 'COUNT'
  | 'UNIQUE_USERS'
  | 'COUNT_PER_USER'
  | 'SUM'
  | 'AVG'
  | 'MIN'
  | 'MAX'
  | 'P50'
  | 'P75'
  | 'P90'
  | 'P95'
  | 'P99'
  | 'UNIQUE_VALUES'
  | 'UNIQUE_GROUPS';

/** Which events, of a series or a step. */
export interface EventSelector {
  readonly event?: string | null | undefined;
  readonly label?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
}

/** 1 for the events that are meant, 0 for all others. */
export function toSelection({ event, filter }: EventSelector): Sql {
  return allOf([...(event ? [sql`event = ${value('String', event)}`] : []), toCondition(filter)]);
}

export function toLabel({ event, label }: EventSelector): string {
  return label ?? event ?? '(all events)';
}

const percentiles: Partial<Record<Measure, number>> = { P50: 0.5, P75: 0.75, P90: 0.9, P95: 0.95, P99: 0.99 };

/** The aggregate for a measure: NULL where there is nothing to measure, but 0 for counts and sums. Throws INVALID_INPUT. */
export function toAggregate(measure: Measure, propertyName: string | null | undefined, at: string): Sql {
  if (measure === 'COUNT') return sql`toFloat64(count())`;
  if (measure === 'UNIQUE_USERS') return sql`toFloat64(uniqExact(${person}))`;
  if (measure === 'COUNT_PER_USER') return sql`if(count() = 0, NULL, count() / uniqExact(${person}))`;
  if (measure === 'UNIQUE_GROUPS') return sql`toFloat64(uniqExactIf(group_id, group_id != ''))`;
  const property = requireProperty(measure, propertyName, at);
  if (measure === 'UNIQUE_VALUES') return sql`toFloat64(uniqExact(${toText(property)}))`;
  const number = toNumber(property);
  switch (measure) {
    // Kahan's summation: the error does not grow with the number of rows, nor depend on their order in practice.
    case 'SUM':
      return sql`ifNull(sumKahan(${number}), 0)`;
    case 'AVG':
      return sql`if(count(${number}) = 0, NULL, sumKahan(${number}) / count(${number}))`;
    case 'MIN':
      return sql`minOrNull(${number})`;
    case 'MAX':
      return sql`maxOrNull(${number})`;
    default:
      return sql`if(count(${number}) = 0, NULL, quantileExactInclusive(${level(percentiles[measure] as number)})(${number}))`;
  }
}

/** A parameter of an aggregate has to be a literal; it is one of ours. */
function level(of: number): Sql {
  return { strings: [String(of)], values: [] };
}

function requireProperty(measure: Measure, name: string | null | undefined, at: string): Property {
  if (!name) throw new TallygateError('INVALID_INPUT', `${at}.property: expected a property for ${measure}, got none`);
  return parseProperty(name);
}
