/** What is left of a stream when persons were deleted: reports are those of a stream that never had them. */

import { toAnonymous, toPersons, toUser } from './persons.ts';
import type { Fact } from './sent.ts';

const toOwn = ({ userId, anonymousId }: Fact) => (userId === '' ? toAnonymous(anonymousId) : toUser(userId));

/** The facts, each told anew whose it is, by these alone. */
export function settle(facts: readonly Fact[]): readonly Fact[] {
  const own = facts.map((fact) => ({ ...fact, person: toOwn(fact) }));
  const personOf = toPersons(own);
  return own.map((fact) => ({ ...fact, person: personOf(fact.person) }));
}

/** Whom an id names, as the schema says of Query.person. */
export function findOwner(facts: readonly Fact[], id: string): string | null {
  const rank = (fact: Fact) => (fact.userId === id ? 0 : fact.userId === '' ? 1 : 2);
  const [first] = facts
    .filter(({ userId, anonymousId }) => userId === id || anonymousId === id)
    .sort((a, b) => rank(a) - rank(b) || a.time - b.time || (a.messageId < b.messageId ? -1 : 1));
  return first?.person ?? null;
}
