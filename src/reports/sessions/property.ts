import { around, person, timeMs } from '../plan.ts';
import { always, type Sql, sql, value } from '../sql.ts';
import { isDeed, longestMs, nothing, page, parseGap, selectRuns } from './runs.ts';

/** A property of the session that an event is in: of the sessions that `Query.sessions` counts when nothing else is said. */
export interface SessionProperty {
  readonly type: 'text' | 'number' | 'flag';
  /** Of each event of a session: what the value is made of. */
  readonly field: Sql;
  /** Of a session, whose events are `run`. */
  readonly value: Sql;
}

/** The first or the last field that says something, '' without one: of events of one instant, of the smaller text first. */
const firstOf = sql`tupleElement(arrayFirst(e -> tupleElement(e, 2) != ${nothing}, run), 2)`;
const lastOf = sql`tupleElement(arrayLast(e -> tupleElement(e, 2) != ${nothing}, run), 2)`;
const deed = sql`if(${isDeed}, toString(event), ${nothing})`;

export const sessionProperties: Readonly<Record<string, SessionProperty>> = {
  'session.seconds': {
    type: 'number',
    field: isDeed,
    value: sql`(tupleElement(run[-1], 1) - tupleElement(run[1], 1)) / 1000`,
  },
  'session.events': { type: 'number', field: isDeed, value: sql`length(run)` },
  'session.isBounce': { type: 'flag', field: isDeed, value: sql`arrayCount(e -> tupleElement(e, 2), run) <= 1` },
  'session.entryPage': { type: 'text', field: page, value: firstOf },
  'session.exitPage': { type: 'text', field: page, value: lastOf },
  'session.entryEvent': { type: 'text', field: deed, value: firstOf },
  'session.exitEvent': { type: 'text', field: deed, value: lastOf },
};

const event = sql`(${person}, ${timeMs})`;

/** Sessions with an event in the range: their events' moments and the value. One that has such an event began at most its length before. */
function selectSessions({ field, value: of }: SessionProperty): Sql {
  return around(({ from, to }) => {
    const runs = selectRuns({ from: from - longestMs, to, timezone: null }, { gapMs: parseGap(null), which: always }, [
      field,
    ]);
    return sql`SELECT who, arrayDistinct(tupleElement(run, 1)) AS moments, ${of} AS said FROM (${runs})`;
  });
}

/** The value, where a condition about a session needs a column. */
export const said = sql`said`;

/** Whether the condition holds for the session of an event; no for an event that is in none. */
export function holdsForSession(property: SessionProperty, condition: Sql): Sql {
  return sql`${event} IN (SELECT who, arrayJoin(moments) FROM (${selectSessions(property)}) WHERE ${condition})`;
}

/** The value as text; '' for an event that is in no session, or one that says nothing. */
export function textForSession(property: SessionProperty): Sql {
  const text = property.type === 'flag' ? sql`if(said, 'true', 'false')` : sql`toString(said)`;
  const key = (who: Sql, moment: Sql) => sql`sipHash64(${who}, ${moment})`;
  const all = sql`(SELECT (groupArray(key), groupArray(text)) FROM (
    SELECT ${key(sql`who`, sql`arrayJoin(moments)`)} AS key, ${text} AS text FROM (${selectSessions(property)}) WHERE ${text} != ${value('String', '')}))`;
  return sql`transform(${key(person, timeMs)}, ${all}.1, ${all}.2, '')`;
}
