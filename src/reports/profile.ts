import { allTime, person, rowsIn, timeMs } from './plan.ts';
import { allOf, type Sql, sql } from './sql.ts';

/** A property of a person or a group: what the newest of the events that tell of it, and have this property, says. */
export interface Profile {
  readonly of: 'person' | 'group';
  /** As of the event that is asked about (of those at its time or before), or as of the snapshot. */
  readonly as: 'AT_EVENT' | 'LATEST';
  /** In the events that tell: traits and what follows. */
  readonly path: readonly string[];
}

const tellers = {
  person: { who: person, told: sql`event = '$identify'` },
  group: { who: sql`group_id`, told: sql`event = '$group' AND group_id != ''` },
};

function told({ of }: Profile, has: Sql): Sql {
  return allOf([rowsIn(allTime), tellers[of].told, has]);
}

/** Whether the condition holds for the event that tells; no when none does. `has`: an event tells of the property. */
export function holdsFor(profile: Profile, has: Sql, condition: Sql): Sql {
  const { who } = tellers[profile.of];
  if (profile.as === 'AT_EVENT') return sql`${textAtEvent(profile, has, sql`if(${condition}, '1', '')`)} = '1'`;
  return sql`${who} IN (SELECT holder FROM (
    SELECT ${who} AS holder, argMax(${condition}, (${timeMs}, message_id)) AS yes
    FROM events WHERE ${told(profile, has)} GROUP BY holder) WHERE yes)`;
}

/** A text made of the event that tells, which is not empty; '' when none does. */
export function textFor(profile: Profile, has: Sql, text: Sql): Sql {
  if (profile.as === 'AT_EVENT') return textAtEvent(profile, has, text);
  const { who } = tellers[profile.of];
  const latest = sql`(SELECT (groupArray(holder), groupArray(said)) FROM (
    SELECT ${who} AS holder, argMax(${text}, (${timeMs}, message_id)) AS said
    FROM events WHERE ${told(profile, has)} GROUP BY holder))`;
  return sql`transform(${who}, (${latest}).1, (${latest}).2, '')`;
}

/**
 * Two look-ups: when it changed, of the person or the group, and what it became with the last change until then. Both lists
 * are made once, of the events that tell; a join with them would need to stand outside of the condition.
 */
function textAtEvent(profile: Profile, has: Sql, text: Sql): Sql {
  const { who } = tellers[profile.of];
  const changes = sql`SELECT holder, arrayFilter((x, i) -> i = 1 OR settled[i - 1].2 != x.2, settled, arrayEnumerate(settled)) AS changes FROM (
    SELECT holder, arrayFilter((x, i) -> i = length(said) OR said[i + 1].1 != x.1, said, arrayEnumerate(said)) AS settled FROM (
      SELECT ${who} AS holder, arrayMap(x -> (x.1, x.3), arraySort(groupArray((${timeMs}, message_id, ${text})))) AS said
      FROM events WHERE ${told(profile, has)} GROUP BY holder))`;
  const times = sql`(SELECT (groupArray(holder), groupArray(arrayStringConcat(arrayMap(x -> toString(x.1), changes), ','))) FROM (${changes}))`;
  const texts = sql`(SELECT (groupArray(concat(toString(nth), ' ', toString(holder))), groupArray(became)) FROM (
    SELECT holder, arrayJoin(arrayEnumerate(changes)) AS nth, changes[nth].2 AS became FROM (${changes})))`;
  const until = sql`arrayCount(t -> ifNull(toInt64OrNull(t) <= ${timeMs}, 0), splitByChar(',', transform(${who}, (${times}).1, (${times}).2, '')))`;
  return sql`transform(concat(toString(${until}), ' ', toString(${who})), (${texts}).1, (${texts}).2, '')`;
}
