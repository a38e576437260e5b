/**
 * Events as a client sends them, and which of them count. The oracle reads these, never what was stored, and shares no
 * code with the service: whatever it says comes from the schema's doc strings.
 */

import { toAnonymous, toPersons, toUser } from './persons.ts';

export type Kind = 'track' | 'page' | 'screen' | 'identify' | 'group' | 'alias';
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export interface SentInput {
  readonly event?: string;
  readonly name?: string;
  readonly category?: string;
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly groupId?: string;
  readonly previousId?: string;
  readonly messageId?: string;
  readonly timestamp?: Date;
  readonly sentAt?: Date;
  readonly properties?: JsonObject;
  readonly context?: JsonObject;
  readonly traits?: JsonObject;
}

export interface SentEvent {
  readonly kind: Kind;
  readonly input: SentInput;
}

export interface SentBatch {
  /** When it came in, by the service's clock; milliseconds since 1970. */
  readonly receivedAt: number;
  readonly events: readonly SentEvent[];
  readonly sentAt?: Date;
  readonly context?: JsonObject;
}

/** An event that counts. */
export interface Fact {
  readonly messageId: string;
  readonly kind: Kind;
  readonly event: string;
  /** The same for all ids that are one person, as far as the facts it stands among tell. */
  readonly person: string;
  readonly userId: string;
  readonly anonymousId: string;
  readonly groupId: string;
  readonly previousId: string;
  /** Milliseconds since 1970, as are all times here. */
  readonly time: number;
  readonly originalTimestamp: number | null;
  readonly sentAt: number | null;
  readonly receivedAt: number;
  readonly properties: JsonObject;
  readonly context: JsonObject;
  readonly traits: JsonObject;
  /** All events that count, this one among them: some of them tell of its person and its group. */
  readonly stream: readonly Fact[];
  /** The timezone of whoever looks at it. */
  readonly zone: string;
  /** Members of the cohorts that filters name. */
  readonly cohorts?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What becomes of events by the API's rules. */
export interface Fates {
  /** Those that count, in the order in which they were sent. */
  readonly facts: readonly Fact[];
  /** Those that are kept aside, as they would have counted. */
  readonly dead: readonly Fact[];
  /** How often each messageId came again. */
  readonly repeats: ReadonlyMap<string, number>;
}

const day = 24 * 3600 * 1000;

/** Each messageId once, and nothing that lies more than a day ahead. */
export function toFates(batches: readonly SentBatch[]): Fates {
  const repeats = new Map<string, number>();
  const facts: Fact[] = [];
  const dead: Fact[] = [];
  const seen = new Set<string>();
  for (const batch of batches) {
    for (const event of batch.events) {
      const fact = toFact(event, batch);
      if (seen.has(fact.messageId)) repeats.set(fact.messageId, (repeats.get(fact.messageId) ?? 0) + 1);
      else if (fact.time > batch.receivedAt + day) dead.push(fact);
      else facts.push(fact);
      seen.add(fact.messageId);
    }
  }
  const personOf = toPersons(facts);
  return { facts: facts.map((fact) => ({ ...fact, person: personOf(fact.person) })), dead, repeats };
}

/** What counts of what was sent. */
export function toFacts(batches: readonly SentBatch[]): readonly Fact[] {
  return inZone(toFates(batches).facts, 'UTC');
}

/** The same facts, as somebody sees them whose clock on the wall shows the time of a zone. */
export function inZone(facts: readonly Fact[], zone: string): readonly Fact[] {
  const stream: Fact[] = [];
  for (const fact of facts) stream.push({ ...fact, stream, zone });
  return stream;
}

function toFact({ kind, input }: SentEvent, batch: SentBatch): Fact {
  const { messageId } = input;
  if (messageId === undefined)
    throw new Error('expected events with a messageId: without one, nobody can tell them apart');
  const originalTimestamp = input.timestamp?.getTime() ?? null;
  const sentAt = (input.sentAt ?? batch.sentAt)?.getTime() ?? null;
  let time = batch.receivedAt;
  if (originalTimestamp !== null)
    time = sentAt === null ? originalTimestamp : originalTimestamp + (batch.receivedAt - sentAt);
  const context = { ...batch.context, ...input.context };
  const properties: Record<string, Json> = { ...input.properties };
  if (kind === 'page' || kind === 'screen') {
    if (input.name) properties.name = input.name;
    if (input.category) properties.category = input.category;
  }
  return {
    messageId,
    kind,
    event: kind === 'track' ? (input.event as string) : `$${kind}`,
    person: input.userId ? toUser(input.userId) : toAnonymous(input.anonymousId as string),
    userId: input.userId ?? '',
    anonymousId: input.anonymousId ?? '',
    groupId: input.groupId ?? (typeof context.groupId === 'string' ? context.groupId : ''),
    previousId: input.previousId ?? '',
    time,
    originalTimestamp,
    sentAt,
    receivedAt: batch.receivedAt,
    properties,
    context,
    traits: input.traits ?? {},
    stream: [],
    zone: 'UTC',
  };
}
