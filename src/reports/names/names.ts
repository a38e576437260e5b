import { type FilterInput, toCondition } from '../filter/filter.ts';
import { fieldNames, type Property, parseProperty } from '../filter/property.ts';
import type { Moment } from '../moment/moment.ts';
import { toMeant } from '../near.ts';
import type { ReportMeta, Session } from '../session.ts';
import { type KnownNames, mostLooked, type NamesReader } from './known.ts';

/** A mistyped name answers 0 like one that nobody did: say so, and what it may have been meant to be. */

/** A name that stands in a question. */
export interface Asked {
  readonly kind: 'event' | 'property';
  readonly name: string;
  /** Where in the input: series[0].filter.and[1].property */
  readonly at: string;
}

const mostWarnings = 10;

/** Adds to the answer's warnings the names in its input that no event of the project has. Refuses properties and filters that mean nothing, with their place. */
export async function withNameWarnings<Answer extends { readonly meta: ReportMeta } | null>(
  session: Session,
  names: NamesReader,
  input: object,
  run: () => Promise<Answer>,
): Promise<Answer> {
  return withWarningsAbout(toAsked(input), session, names, run);
}

export async function withWarningsAbout<Answer extends { readonly meta: ReportMeta } | null>(
  asked: readonly Asked[],
  session: Session,
  names: NamesReader,
  run: () => Promise<Answer>,
): Promise<Answer> {
  const running = run();
  if (asked.length === 0) return running;
  const warning = session.report(null, (moment) => warn(session, names, moment, asked)).catch(() => []);
  const [answer, warnings] = await Promise.all([running, warning]);
  if (answer === null || warnings.length === 0) return answer;
  return { ...answer, meta: { ...answer.meta, warnings: [...answer.meta.warnings, ...warnings] } };
}

async function warn(
  { project }: Session,
  names: NamesReader,
  moment: Moment,
  asked: readonly Asked[],
): Promise<string[]> {
  const remembered = names.inMemory(project);
  if (remembered && asked.every((one) => isKnown(one, remembered))) return [];
  const known = await names.upTo(project, moment.vector);
  if (known === null) return [];
  const unknown = asked.filter((one) => canTell(one, known) && !isKnown(one, known));
  const more = unknown.length - mostWarnings;
  return [
    ...unknown.slice(0, mostWarnings).map((one) => toWarning(one, known)),
    ...(more > 0 ? [`${more} more names that no event has`] : []),
  ];
}

/** Every name in the input once, at the first place where it stands. Refuses properties and filters that mean nothing, with their place. */
export function toAsked(input: object): Asked[] {
  const found = new Map<string, Asked>();
  const note = (kind: Asked['kind'], name: unknown, at: string) => {
    if (typeof name !== 'string' || name === '') return;
    if (kind === 'property') parseProperty(name, at);
    const key = `${kind} ${name}`;
    if (!found.has(key)) found.set(key, { kind, name, at });
  };
  const walk = (of: object, at: string) => {
    const { property, op, value } = of as FilterInput;
    if (property === '$event' && ['EQ', 'NEQ', 'IN', 'NOT_IN'].includes(op ?? 'EQ') && !(of as FilterInput).ignoreCase)
      for (const name of Array.isArray(value) ? value : [value]) note('event', name, `${at}value`);
    for (const [key, inner] of Object.entries(of)) {
      const place = `${at}${key}`;
      if (key === 'event') note('event', inner, place);
      else if (key === 'property' || (key === 'by' && inner !== 'person' && inner !== 'session'))
        note('property', inner, place);
      else if (key === 'filter') toCondition(inner as FilterInput, place);
      if (key === 'value' || key === 'freshness' || typeof inner !== 'object' || inner === null) continue;
      if (Array.isArray(inner))
        inner.forEach((item, i) => {
          if (typeof item === 'object' && item !== null) walk(item, `${place}[${i}].`);
        });
      else walk(inner, `${place}.`);
    }
  };
  walk(input, '');
  return [...found.values()];
}

// ---- what is known

type Told = 'properties' | 'person' | 'group';

/** Whose property it is, and its path as the events that tell it have it; null for a field of the event itself. */
function toPath(property: Property): { readonly of: Told; readonly path: string } | null {
  if (property.kind === 'path') return { of: 'properties', path: property.path.join('.') };
  return property.kind === 'profile' ? { of: property.of, path: property.path.join('.') } : null;
}

function isKnown({ kind, name }: Asked, known: KnownNames): boolean {
  if (kind === 'event') return known.events.has(name);
  const found = toPath(parseProperty(name));
  if (found === null || known[found.of].has(found.path)) return true;
  const below = `${found.path}.`;
  return [...known[found.of]].some((path) => path.startsWith(below));
}

function canTell({ kind }: Asked, { tooManyEvents, tooManyProperties }: KnownNames): boolean {
  return kind === 'event' ? !tooManyEvents : !tooManyProperties;
}

// ---- near matches

function toWarning({ kind, name, at }: Asked, known: KnownNames): string {
  const candidates = kind === 'event' ? known.events : toPropertyNames(known);
  if (kind === 'event') return `${at}: no event is named ${toMeant(name, candidates)}`;
  const nobody = known.isSampled ? `none of the newest ${mostLooked} events of each name` : 'no event';
  return `${at}: ${nobody} has a property ${toMeant(name, candidates)}`;
}

/** As filters name them, in the shortest way. */
function toPropertyNames({ properties, person, group }: KnownNames): string[] {
  return [
    ...fieldNames,
    ...[...properties].map((path) => path.replace(/^properties\./, '')),
    ...[...person].filter((path) => path.startsWith('traits.')).map((path) => path.replace('traits.', 'person.')),
    ...[...group].filter((path) => path.startsWith('traits.')).map((path) => path.replace('traits.', 'group.')),
  ];
}
