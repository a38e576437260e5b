import { DateTime } from 'luxon';
import { compareTexts, type Found, find } from './filter.ts';
import type { Fact } from './sent.ts';

/** What identify and group events tell of the person and the group of an event: the newest that has the property. */
export function findInProfile(fact: Fact, root: string, name: string): Found {
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
export function findClock(fact: Fact, name: '$hour' | '$weekday'): Found {
  const local = DateTime.fromMillis(fact.time, { zone: fact.zone });
  return { is: 'value', value: name === '$hour' ? local.hour : local.weekday };
}
