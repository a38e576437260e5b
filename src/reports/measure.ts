import { TallygateError } from '../errors.ts';
import { type FilterInput, toCondition } from './filter/filter.ts';
import { type Property, parseProperty, toNumber, toText } from './filter/property.ts';
import { person } from './plan.ts';
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
  | 'UNIQUE_GROUPS'
  | 'WEEKLY_ACTIVE'
  | 'MONTHLY_ACTIVE';

/** Which events, of a series or a step. */
export interface EventSelector {
  readonly event?: string | null | undefined;
  readonly label?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
}

/** 1 for the events that are meant, 0 for all others. */
export function toSelection(selector: EventSelector): Sql {
  return allOf(toSelections(selector));
}

/** All hold for the events that are meant. */
export function toSelections({ event, filter }: EventSelector): Sql[] {
  return [...(event ? [sql`event = ${value('String', event)}`] : []), toCondition(filter)];
}

export function toLabel({ event, label }: EventSelector): string {
  return label ?? event ?? '(all events)';
}

/** Numbers of a bucket's events, of which the measure is made: `x` and `y` are what its Counting says, `n` counts the events. */
export interface Part {
  readonly n: number;
  readonly x: number | null;
  readonly y: number | null;
}

/** An aggregate function of ClickHouse over the values of `of`. The names are ours. */
export interface Aggregate {
  readonly name: 'sumKahan' | 'min' | 'max' | 'count' | 'uniqExact' | 'quantileExactInclusive';
  /** What stands in the first pair of brackets: 0.9 */
  readonly parameter?: number;
  readonly of: Sql;
}

/** How a measure is counted in SQL: what `x` and `y` of a Part are. */
export type Counting =
  /** Parts of buckets add up to that of all buckets. */
  | { readonly kind: 'sums'; readonly x: Aggregate | null; readonly y: Aggregate | null }
  /** Different values; NULL is none. */
  | { readonly kind: 'distinct'; readonly x: Aggregate }
  | { readonly kind: 'percentile'; readonly x: Aggregate }
  /** Persons in the days that end with a bucket. */
  | { readonly kind: 'rolling'; readonly days: number };

export interface MeasurePlan {
  readonly counting: Counting;
  /** NULL where there is nothing to measure, but 0 for counts and sums. */
  readonly toValue: (part: Part) => number | null;
  /** The part of both, `b` the later one. */
  readonly combine: (a: Part, b: Part) => Part;
}

const percentiles: Partial<Record<Measure, number>> = { P50: 0.5, P75: 0.75, P90: 0.9, P95: 0.95, P99: 0.99 };

/** Throws INVALID_INPUT. */
export function toMeasurePlan(measure: Measure, propertyName: string | null | undefined, at: string): MeasurePlan {
  const sums = (
    x: Aggregate | null,
    y: Aggregate | null,
    toValue: MeasurePlan['toValue'],
    combine = add,
  ): MeasurePlan => ({
    counting: { kind: 'sums', x, y },
    toValue,
    combine,
  });
  const distinct = (of: Sql, toValue: MeasurePlan['toValue'] = ({ x }) => x ?? 0): MeasurePlan => ({
    counting: { kind: 'distinct', x: { name: 'uniqExact', of } },
    toValue,
    combine: add,
  });
  const rolling = (days: number): MeasurePlan => ({
    counting: { kind: 'rolling', days },
    toValue: ({ x }) => x ?? 0,
    combine: add,
  });
  switch (measure) {
    case 'COUNT':
      return sums(null, null, ({ n }) => n);
    case 'UNIQUE_USERS':
      return distinct(person);
    case 'COUNT_PER_USER':
      return distinct(person, ({ n, x }) => (x ? n / x : null));
    case 'UNIQUE_GROUPS':
      return distinct(sql`nullIf(group_id, '')`);
    case 'WEEKLY_ACTIVE':
      return rolling(7);
    case 'MONTHLY_ACTIVE':
      return rolling(30);
  }
  const property = requireProperty(measure, propertyName, at);
  // Of numbers that may be NULL an aggregate is NULL where there are none.
  const number = toNumber(property);
  switch (measure) {
    case 'UNIQUE_VALUES':
      return distinct(toText(property));
    // Kahan's summation: the error does not grow with the number of rows, nor depend on their order in practice.
    case 'SUM':
      return sums({ name: 'sumKahan', of: number }, null, ({ x }) => x ?? 0);
    case 'AVG':
      return sums({ name: 'sumKahan', of: number }, { name: 'count', of: number }, ({ x, y }) =>
        y ? (x ?? 0) / y : null,
      );
    case 'MIN':
      return sums({ name: 'min', of: number }, null, ({ x }) => x, choose(Math.min));
    case 'MAX':
      return sums({ name: 'max', of: number }, null, ({ x }) => x, choose(Math.max));
    default:
      return {
        counting: {
          kind: 'percentile',
          x: { name: 'quantileExactInclusive', parameter: percentiles[measure] as number, of: number },
        },
        toValue: ({ x }) => x,
        // Each is of everything up to its bucket.
        combine: (a, b) => ({ n: a.n + b.n, x: b.x, y: b.y }),
      };
  }
}

function add(a: Part, b: Part): Part {
  return { n: a.n + b.n, x: plus(a.x, b.x), y: plus(a.y, b.y) };
}

function plus(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

function choose(of: (a: number, b: number) => number): MeasurePlan['combine'] {
  return (a, b) => ({ n: a.n + b.n, x: a.x === null ? b.x : b.x === null ? a.x : of(a.x, b.x), y: null });
}

/** Of the events that the condition holds for; null: of all of them. A number, or NULL where there is nothing to count. */
export function toAggregate({ name, parameter, of }: Aggregate, condition: Sql | null): Sql {
  // A parameter of an aggregate has to be a literal.
  const brackets = parameter === undefined ? '' : `(${parameter})`;
  const called: Sql = { strings: [`${name}${condition === null ? '' : 'If'}${brackets}`], values: [] };
  return sql`toFloat64(${called}(${of}${condition === null ? sql`` : sql`, ${condition}`}))`;
}

function requireProperty(measure: Measure, name: string | null | undefined, at: string): Property {
  if (!name) throw new TallygateError('INVALID_INPUT', `${at}.property: expected a property for ${measure}, got none`);
  return parseProperty(name);
}
