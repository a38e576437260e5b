import { compareTexts } from './find.ts';
import type { Fact, Json, JsonObject } from './sent.ts';

export interface PersonAnswer {
  readonly userIds: readonly string[];
  readonly anonymousIds: readonly string[];
  readonly traits: JsonObject;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** In any order. */
  readonly events: readonly Fact[];
}

/** Whoever has the id as a user id, else as an anonymous id on its own, else beside a user id; of several the first. */
export function answerPerson(facts: readonly Fact[], id: string): PersonAnswer | null {
  const inOrder = [...facts].sort((a, b) => a.time - b.time || compareTexts(a.messageId, b.messageId));
  const owner =
    inOrder.find(({ userId }) => userId === id) ??
    inOrder.find(({ userId, anonymousId }) => userId === '' && anonymousId === id) ??
    inOrder.find(({ anonymousId }) => anonymousId === id);
  if (owner === undefined) return null;
  const events = inOrder.filter(({ person }) => person === owner.person);
  let traits: JsonObject = {};
  for (const { kind, traits: told } of events) if (kind === 'identify') traits = merge(traits, told);
  const ids = (all: readonly string[]) => [...new Set(all.filter((one) => one !== ''))].sort(compareTexts);
  return {
    userIds: ids(events.map(({ userId }) => userId)),
    anonymousIds: ids(events.map(({ anonymousId }) => anonymousId)),
    traits,
    firstSeen: events[0]!.time,
    lastSeen: events.at(-1)!.time,
    events,
  };
}

/** What is said later takes the place of what was said before; objects are merged, and nothing says nothing. */
function merge(before: JsonObject, later: JsonObject): JsonObject {
  const merged = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(later)) {
    if (!isSomething(value)) continue;
    const known = merged.get(name) ?? {};
    merged.set(name, isObject(value) ? merge(isObject(known) ? known : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

function isSomething(value: Json): boolean {
  return isObject(value) ? Object.values(value).some(isSomething) : value !== null;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
