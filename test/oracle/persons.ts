/** Who is who, by the doc strings of identify and alias: as of the facts given, and no others. */

interface Merging {
  readonly kind: string;
  readonly messageId: string;
  readonly receivedAt: number;
  readonly userId: string;
  readonly anonymousId: string;
  readonly previousId: string;
}

export const toUser = (id: string) => `user ${id}`;
export const toAnonymous = (id: string) => `anonymous ${id}`;

/** Which ids this one gives to another one: [from, to]. */
function toGifts({ kind, userId, anonymousId, previousId }: Merging): [string, string][] {
  if (userId === '') return [];
  if (kind === 'identify' && anonymousId !== '') return [[toAnonymous(anonymousId), toUser(userId)]];
  if (kind !== 'alias' || previousId === '') return [];
  const both: [string, string][] = [
    [toUser(previousId), toUser(userId)],
    [toAnonymous(previousId), toUser(userId)],
  ];
  return both.filter(([from, to]) => from !== to);
}

/** Resolves an id to its person. The oldest first; what an id said later than its first gift is nothing; nor is what would close a loop. */
export function toPersons(facts: readonly Merging[]): (id: string) => string {
  const oldestFirst = facts.toSorted(
    (a, b) => a.receivedAt - b.receivedAt || (a.messageId < b.messageId ? -1 : a.messageId > b.messageId ? 1 : 0),
  );
  const owner = new Map<string, string>();
  const given = new Set<string>();
  const personOf = (id: string): string => {
    const next = owner.get(id);
    return next === undefined ? id : personOf(next);
  };
  for (const fact of oldestFirst) {
    for (const [from, to] of toGifts(fact)) {
      if (given.has(from)) continue;
      given.add(from);
      if (personOf(to) !== from) owner.set(from, to);
    }
  }
  return personOf;
}
