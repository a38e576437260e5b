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
 * One look-up of everything that was told of the person or the group, changes only, and the last of them until then. The
 * list is made once, of the events that tell; a join with it would need to stand outside of the condition.
 */
function textAtEvent(profile: Profile, has: Sql, text: Sql): Sql {
  const { who } = tellers[profile.of];
  const changes = sql`(SELECT (groupArray(holder), groupArray(toJSONString(arrayFilter((x, i) -> i = 1 OR settled[i - 1].2 != x.2, settled, arrayEnumerate(settled))))) FROM (
    SELECT holder, arrayFilter((x, i) -> i = length(said) OR said[i + 1].1 != x.1, said, arrayEnumerate(said)) AS settled FROM (
      SELECT ${who} AS holder, arrayMap(x -> (toString(x.1), x.3), arraySort(groupArray((${timeMs}, message_id, ${text})))) AS said
      FROM events WHERE ${told(profile, has)} GROUP BY holder)))`;
  const known = sql`JSONExtract(transform(${who}, (${changes}).1, (${changes}).2, ''), 'Array(Tuple(String, String))')`;
  return sql`arrayLast(x -> toInt64(x.1) <= ${timeMs}, ${known}).2`;
}
