import { TallygateError } from '../../errors.ts';
import { parseValueBreakdown, type ValueBreakdown } from '../breakdown/breakdown.ts';
import { type Entities, withEntities } from '../entities/entities.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import { parseProperty, toText } from '../filter/property.ts';
import { type EventSelector, toSelection } from '../measure.ts';
import type { FreshnessInput } from '../moment/moment.ts';
import { person } from '../plan.ts';
import type { Range, RangeInput } from '../range.ts';
import { allOf, type Sql, sql } from '../sql.ts';

/** What the client asks for, and what it means. */

export type FunnelOrder = 'ORDERED' | 'STRICT' | 'UNORDERED';
export type FunnelAttribution = 'FIRST_TOUCH' | 'LAST_TOUCH' | 'STEP_1';

export interface FunnelInput {
  readonly range: RangeInput;
  readonly steps: readonly EventSelector[];
  readonly windowSeconds?: number | null | undefined;
  readonly order?: FunnelOrder | null | undefined;
  readonly exclusions?: readonly FunnelExclusionInput[] | null | undefined;
  readonly by?: string | null | undefined;
  readonly breakdown?: FunnelBreakdownInput | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface FunnelExclusionInput {
  readonly event?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly fromStep?: number | null | undefined;
  readonly toStep?: number | null | undefined;
}

export interface FunnelBreakdownInput {
  readonly property: string;
  readonly limit?: number | null | undefined;
  readonly includeOther?: boolean | null | undefined;
  readonly attribution?: FunnelAttribution | null | undefined;
}

export interface Question {
  readonly range: Range;
  readonly steps: readonly Sql[];
  /** Places of the steps that are the same, and of all that one event may be at once: groups of such classes. */
  readonly overlaps: readonly (readonly (readonly number[])[])[];
  /** Steps and exclusions name their events, each step another one than all the rest. */
  readonly isDisjoint: boolean;
  readonly windowMs: number;
  readonly order: FunnelOrder;
  readonly exclusions: readonly { readonly is: Sql; readonly from: number; readonly to: number }[];
  readonly by: { readonly kind: 'person' | 'session' | 'property'; readonly key: Sql };
  readonly breakdown: Breakdown | null;
  readonly filter: Sql;
  /** The same question about each of them: `by.key` begins with which one it is. */
  readonly entities: Entities | null;
}

interface Breakdown extends ValueBreakdown {
  readonly attribution: FunnelAttribution;
}

const longestWindow = 366 * 24 * 3600;
const mostExclusions = 7;

/** Throws INVALID_INPUT, INVALID_FILTER. */
export function parseFunnel(input: FunnelInput, range: Range): Question {
  const windowSeconds = input.windowSeconds ?? 1_209_600;
  const exclusions = input.exclusions ?? [];
  if (input.steps.length < 2 || input.steps.length > 12)
    throw invalid(`steps: expected 2 to 12 of them, got ${input.steps.length}`);
  if (windowSeconds < 1 || windowSeconds > longestWindow)
    throw invalid(`windowSeconds: expected 1 to ${longestWindow}, got ${windowSeconds}`);
  if (exclusions.length > mostExclusions)
    throw invalid(`exclusions: expected at most ${mostExclusions}, got ${exclusions.length}`);
  const order = input.order ?? 'ORDERED';
  return {
    range,
    steps: input.steps.map(toSelection),
    overlaps: toOverlaps(input.steps),
    isDisjoint: areDisjoint(input.steps, exclusions),
    windowMs: windowSeconds * 1000,
    order,
    exclusions: exclusions.map((exclusion, i) =>
      parseExclusion(exclusion, `exclusions[${i}]`, order, input.steps.length),
    ),
    by: parseBy(input.by ?? 'person'),
    breakdown: input.breakdown ? parseBreakdown(input.breakdown) : null,
    filter: toCondition(input.filter),
    entities: null,
  };
}

/** The question about many at once. Not of sessions: where they begin depends on the events of all entities. */
export function aboutEntities(question: Question, entities: Entities): Question {
  const { by, filter } = question;
  const has = by.kind === 'property' ? [sql`${by.key} IS NOT NULL`] : [];
  return {
    ...question,
    by: {
      kind: 'person',
      key: sql`tuple(${entities.place}, ${by.kind === 'property' ? sql`assumeNotNull(${by.key})` : by.key})`,
    },
    filter: withEntities(entities, allOf([filter, ...has])),
    entities,
  };
}

/** The question about one of them. */
export function aboutEntity(question: Question, entities: Entities, id: string): Question {
  return { ...question, filter: allOf([question.filter, entities.isOf(id)]) };
}

function parseExclusion(exclusion: FunnelExclusionInput, at: string, order: FunnelOrder, steps: number) {
  const from = exclusion.fromStep ?? 1;
  const to = exclusion.toStep ?? steps;
  if (from < 1 || from >= steps) throw invalid(`${at}.fromStep: expected 1 to ${steps - 1}, got ${from}`);
  if (to <= from || to > steps) throw invalid(`${at}.toStep: expected ${from + 1} to ${steps}, got ${to}`);
  if (order === 'UNORDERED' && (from !== 1 || to !== steps))
    throw invalid(`${at}: expected one from the first step to the last for UNORDERED, got one from ${from} to ${to}`);
  return { is: toSelection(exclusion), from, to };
}

function parseBy(by: string): Question['by'] {
  if (by === 'person' || by === 'session') return { kind: by, key: person };
  return { kind: 'property', key: toText(parseProperty(by)) };
}

function parseBreakdown(input: FunnelBreakdownInput): Breakdown {
  return { ...parseValueBreakdown(input), attribution: input.attribution ?? 'FIRST_TOUCH' };
}

/** Steps of different events have no event in common; any others may. Groups of one class are left out when it is one step. */
function toOverlaps(steps: readonly EventSelector[]): number[][][] {
  const groups: { event: string | null; places: number[] }[] = [];
  for (const [place, step] of steps.entries()) {
    const event = step.event || null;
    const met = groups.filter((group) => event === null || group.event === null || group.event === event);
    const places = [...met.flatMap((group) => group.places), place].sort((a, b) => a - b);
    for (const group of met) groups.splice(groups.indexOf(group), 1);
    groups.push({ event: met.length === 0 || met.every((group) => group.event === event) ? event : null, places });
  }
  return groups
    .filter(({ places }) => places.length > 1)
    .map(({ places }) => [...Map.groupBy(places, (i) => JSON.stringify([steps[i]?.event, steps[i]?.filter])).values()]);
}

function areDisjoint(steps: readonly EventSelector[], exclusions: readonly EventSelector[]): boolean {
  const names = steps.map(({ event }) => event);
  return (
    [...steps, ...exclusions].every(({ event }) => event) &&
    new Set(names).size === names.length &&
    exclusions.every(({ event }) => !names.includes(event))
  );
}

function invalid(message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', message);
}
