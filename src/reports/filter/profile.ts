import { allTime, person, rowsIn, timeMs } from '../plan.ts';
import { allOf, type Sql, sql } from '../sql.ts';

/** A property of a person or a group: what the newest of the events that tell of it, and have this property, says. */
export interface Profile {
  readonly of: 'person' | 'group';
  /** As of the event that is asked about (of those at its time or before), or as of the snapshot. */
  readonly as: 'AT_EVENT' | 'LATEST';
  /** In the events that tell: traits and what follows. */
  readonly path: readonly string[];
  /** Of what was told until then, in milliseconds since 1970; otherwise of all that the snapshot has. */
  readonly until?: number;
}

const tellers = {
  person: { who: person, told: sql`event = '$identify'` },
  group: { who: sql`group_id`, told: sql`event = '$group' AND group_id != ''` },
};

function told({ of, until }: Profile, has: Sql): Sql {
  const range = until === undefined ? allTime : { ...allTime, to: until + 1 };
  return allOf([rowsIn(range), tellers[of].told, has]);
}

/** Whether the condition holds for the event that tells; no when none does. `has`: an event tells of the property. */
export function holdsFor(profile: Profile, has: Sql, condition: Sql): Sql {
  const { who } = tellers[profile.of];
  if (profile.as === 'AT_EVENT') return holdsAtEvent(profile, has, condition);
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

/** Of each holder, the moments from which something else is true, and what. Of those of one instant, the last. */
function toChanges(profile: Profile, has: Sql, said: Sql): Sql {
  return sql`SELECT holder, arrayFilter((x, i) -> i = 1 OR settled[i - 1].2 != x.2, settled, arrayEnumerate(settled)) AS changes FROM (
    SELECT holder, arrayFilter((x, i) -> i = length(said) OR said[i + 1].1 != x.1, said, arrayEnumerate(said)) AS settled FROM (
      SELECT ${tellers[profile.of].who} AS holder, arrayMap(x -> (toString(x.1), x.3), arraySort(groupArray((${timeMs}, message_id, ${said})))) AS said
      FROM events WHERE ${told(profile, has)} GROUP BY holder))`;
}

/**
 * One look-up of all changes of the person or the group, of which those until the event count. The list is made once, of the
 * events that tell; a join with it would need to stand outside of the condition.
 */
function textAtEvent(profile: Profile, has: Sql, text: Sql): Sql {
  const { who } = tellers[profile.of];
  const lists = sql`(SELECT (groupArray(holder), groupArray(toJSONString(changes))) FROM (${toChanges(profile, has, text)}))`;
  const known = sql`JSONExtract(transform(${who}, (${lists}).1, (${lists}).2, ''), 'Array(Tuple(String, String))')`;
  return sql`arrayLast(x -> toInt64(x.1) <= ${timeMs}, ${known}).2`;
}

/** The same for yes and no, which take turns: after an odd number of changes it is yes. */
function holdsAtEvent(profile: Profile, has: Sql, condition: Sql): Sql {
  const { who } = tellers[profile.of];
  const lists = sql`(SELECT (groupArray(holder), groupArray(arrayStringConcat(arrayMap(x -> x.1, turns), ','))) FROM (
    SELECT holder, if(changes[1].2, changes, arrayPopFront(changes)) AS turns FROM (${toChanges(profile, has, condition)}) WHERE notEmpty(turns)))`;
  const turns = sql`splitByChar(',', transform(${who}, (${lists}).1, (${lists}).2, ''))`;
  return sql`arrayCount(t -> ifNull(toInt64OrNull(t) <= ${timeMs}, 0), ${turns}) % 2 = 1`;
}
