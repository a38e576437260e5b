import { DateTime } from 'luxon';
import type { Fact, Json, JsonObject } from './sent.ts';

/** Properties by the SDL's words: what a name means. */

export type Leaf = Scalar | readonly (Scalar | null)[];
type Scalar = string | number | boolean;

/** What a name stands for: a value, a moment, an object that holds something, or nothing. */
export type Found =
  | { readonly is: 'value'; readonly value: Leaf }
  | { readonly is: 'moment'; readonly time: number }
  | { readonly is: 'object' }
  | { readonly is: 'absent' };

export const sessionNames = [
  'session.seconds',
  'session.events',
  'session.isBounce',
  'session.entryPage',
  'session.exitPage',
  'session.entryEvent',
  'session.exitEvent',
];

const absent: Found = { is: 'absent' };

/** `plan` and `properties.plan`, `context.page.url`, `$userId`... null counts as absent, and so does an object without values. */
export function find(fact: Fact, name: string): Found {
  const text = (value: string): Found => (value === '' ? absent : { is: 'value', value });
  switch (name) {
    case '$event':
      return text(fact.event);
    case '$type':
      return text(fact.kind.toUpperCase());
    case '$userId':
      return text(fact.userId);
    case '$anonymousId':
      return text(fact.anonymousId);
    case '$groupId':
      return text(fact.groupId);
    case '$messageId':
      return text(fact.messageId);
    case '$timestamp':
      return { is: 'moment', time: fact.time };
    case '$receivedAt':
      return { is: 'moment', time: fact.receivedAt };
    case '$hour':
    case '$weekday':
      return findClock(fact, name);
  }
  if (sessionNames.includes(name)) return findInSession(fact, name.slice('session.'.length));
  for (const root of ['person', 'personLatest', 'group', 'groupLatest'])
    if (name.startsWith(`${root}.`)) return findInProfile(fact, root, name.slice(root.length + 1));
  for (const root of ['properties', 'context', 'traits'] as const)
    if (name.startsWith(`${root}.`)) return findIn(fact[root], name.slice(root.length + 1));
  return findIn(fact.properties, name);
}

function findIn(object: JsonObject, name: string): Found {
  const leaves = toLeaves(object);
  const leaf = leaves.find(([path]) => path === name);
  if (leaf) return { is: 'value', value: leaf[1] };
  return leaves.some(([path]) => path.startsWith(`${name}.`)) ? { is: 'object' } : absent;
}

/** Every value that is neither an object nor null, with the names above it joined by dots; of one path the first counts. */
export function toLeaves(object: JsonObject): [path: string, value: Leaf][] {
  const leaves: [string, Leaf][] = [];
  for (const [name, value] of Object.entries(object)) {
    if (value === null) continue;
    if (typeof value === 'object' && !Array.isArray(value))
      for (const [path, leaf] of toLeaves(value as JsonObject)) leaves.push([`${name}.${path}`, leaf]);
    else leaves.push([name, Array.isArray(value) ? value.map(toItem) : (value as Scalar)]);
  }
  return leaves;
}

/** A list or an object in a list counts as its text. */
function toItem(item: Json): Scalar | null {
  if (typeof item !== 'object' || item === null) return item;
  return JSON.stringify(item, (_, value) =>
    typeof value === 'number' && Math.abs(value) >= 2 ** 63 ? rawJSON(value.toExponential()) : value,
  );
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const minute = 60_000;

/** The session that an event is in: a run of the person's events without half an hour of silence, and of that the first day. */
function toSession(fact: Fact): readonly Fact[] {
  const mine = fact.stream.filter(({ person }) => person === fact.person).toSorted((a, b) => a.time - b.time);
  let run: Fact[] = [];
  for (const [i, other] of mine.entries()) {
    if (i > 0 && other.time - mine[i - 1]!.time >= 30 * minute) {
      if (run.some(({ messageId }) => messageId === fact.messageId)) break;
      run = [];
    }
    run.push(other);
  }
  const session = run.filter(({ time }) => time - run[0]!.time < 24 * 60 * minute);
  return session.some(({ messageId }) => messageId === fact.messageId) ? session : [];
}

function findInSession(fact: Fact, name: string): Found {
  const session = toSession(fact);
  if (session.length === 0) return absent;
  const deeds = session.filter(({ kind }) => kind === 'track' || kind === 'page' || kind === 'screen');
  const pages = session.filter(({ kind }) => kind === 'page');
  switch (name) {
    case 'seconds':
      return { is: 'value', value: (session.at(-1)!.time - session[0]!.time) / 1000 };
    case 'events':
      return { is: 'value', value: session.length };
    case 'isBounce':
      return { is: 'value', value: deeds.length <= 1 };
    case 'entryEvent':
      return firstText(deeds, ({ event }) => event);
    case 'exitEvent':
      return lastText(deeds, ({ event }) => event);
    case 'entryPage':
      return firstText(pages, pageText);
    default:
      return lastText(pages, pageText);
  }
}

/** Of the earliest events the smallest text; nothing where that is empty. */
function firstText(facts: readonly Fact[], toText: (fact: Fact) => string): Found {
  const first = Math.min(...facts.map(({ time }) => time));
  const texts = facts.filter(({ time }) => time === first).map(toText);
  const [smallest = ''] = texts.sort(compareTexts);
  return smallest === '' ? absent : { is: 'value', value: smallest };
}

function lastText(facts: readonly Fact[], toText: (fact: Fact) => string): Found {
  const last = Math.max(...facts.map(({ time }) => time));
  const texts = facts.filter(({ time }) => time === last).map(toText);
  const greatest = texts.sort(compareTexts).at(-1) ?? '';
  return greatest === '' ? absent : { is: 'value', value: greatest };
}

/** '' when the page does not say, or says it empty. */
function pageText(fact: Fact): string {
  for (const name of ['properties.path', 'context.page.path']) {
    const found = find(fact, name);
    // Pages of the streams say texts and numbers.
    const text = found.is === 'value' ? String(found.value) : '';
    if (text !== '') return text;
  }
  return '';
}

/** What identify and group events tell of the person and the group of an event: the newest that has the property. */
function findInProfile(fact: Fact, root: string, name: string): Found {
  const tellers = fact.stream.filter((other) => {
    if (root.startsWith('person') ? other.kind !== 'identify' : other.kind !== 'group') return false;
    if (root.startsWith('person') ? other.person !== fact.person : other.groupId !== fact.groupId) return false;
    if (!root.endsWith('Latest') && other.time > fact.time) return false;
    return find(other, `traits.${name}`).is !== 'absent';
  });
  if (root.startsWith('group') && fact.groupId === '') return { is: 'absent' };
  let newest: Fact | undefined;
  for (const teller of tellers) {
    const isNewer =
      newest === undefined ||
      teller.time > newest.time ||
      (teller.time === newest.time && compareTexts(teller.messageId, newest.messageId) > 0);
    if (isNewer) newest = teller;
  }
  return newest === undefined ? { is: 'absent' } : find(newest, `traits.${name}`);
}

/** By the clock on the wall. */
function findClock(fact: Fact, name: '$hour' | '$weekday'): Found {
  const local = DateTime.fromMillis(fact.time, { zone: fact.zone });
  return { is: 'value', value: name === '$hour' ? local.hour : local.weekday };
}

/** By code point, which is not how JavaScript compares. */
export function compareTexts(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] as string).codePointAt(0)! - (right[i] as string).codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
