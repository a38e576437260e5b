// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source text

/** A mistake to put into a copy of the reports, and the test that has to find it. */
export interface Mutation {
  readonly mistake: string;
  /** File below src/reports, what stands there once, what it becomes. */
  readonly edits: readonly (readonly [file: string, from: string, to: string])[];
  /** test/integration/reports-NAME.test.ts */
  readonly test: string;
}

const one = (mistake: string, test: string, file: string, from: string, to: string): Mutation => ({
  mistake,
  test,
  edits: [[file, from, to]],
});

export const mutations: readonly Mutation[] = [
  one('a range includes its end', 'trend', 'plan.ts', '`time < ${moment(to)}`', '`time <= ${moment(to)}`'),
  one('weeks begin on Sunday', 'trend', 'range.ts', 'days: time.dayOfWeek - 1', 'days: time.dayOfWeek % 7'),
  one(
    'the hour that comes twice is one',
    'trend',
    'range.ts',
    't += usual[interval]) buckets.push(t);',
    't += usual[interval]) if (interval === "MINUTE" || toZoned(t, range.timezone).hour !== toZoned(buckets.at(-1) ?? 0, range.timezone).hour || buckets.length === 0) buckets.push(t);',
  ),
  one(
    'a last day of 25 hours ends after 24',
    'trend',
    'plan.ts',
    'least(intDiv(${timeMs} - ${value64(first)}, ${value64(step)}), ${value64(buckets.length - 1)})',
    'intDiv(${timeMs} - ${value64(first)}, ${value64(step)})',
  ),
  one(
    'moments are cut to seconds',
    'trend',
    'plan.ts',
    "fromUnixTimestamp64Milli(${value('Int64', milliseconds)}",
    "fromUnixTimestamp64Milli(${value('Int64', Math.floor(milliseconds / 1000) * 1000)}",
  ),
  {
    mistake: 'the others are the sum of their lines',
    test: 'trend',
    edits: [
      ['trend.ts', "${breakdown.key}, '~') AS k", "${breakdown.key}, concat('~', ${breakdown.key})) AS k"],
      [
        'trend.ts',
        'const line = lineOf(k);',
        "const isRest = k.startsWith('~'); const line = lineOf(isRest ? '~' : k);",
      ],
      ['trend.ts', 'line.total = v;', 'line.total = isRest ? (line.total ?? 0) + (v ?? 0) : v;'],
    ],
  },
  one(
    'totals are sums of buckets',
    'trend',
    'trend.ts',
    '      values,\n      total,',
    '      values,\n      total: values.reduce<number>((sum, v) => sum + (v ?? 0), 0),',
  ),
  one(
    'of values that tie, the larger comes first',
    'trend',
    'trend.ts',
    'ORDER BY events DESC, key LIMIT',
    'ORDER BY events DESC, key DESC LIMIT',
  ),
  one('percentiles are the nearest rank', 'trend', 'measure.ts', 'quantileExactInclusive', 'quantileExact'),
  one('an average counts events without a number', 'trend', 'measure.ts', '/ count(${number}))`', '/ count())`'),
  one(
    'a text that looks like a number is one',
    'filters',
    'property.ts',
    'sql`coalesce(${path}.:Float64,',
    'sql`coalesce(${path}.:Float64, toFloat64OrNull(${path}.:String),',
  ),
  one(
    'NEQ needs the property to be there',
    'filters',
    'filter-compare.ts',
    'return sql`NOT (${compare(property, { ...comparison, op: positive })})`',
    'return sql`(${isThere(property)} AND NOT (${compare(property, { ...comparison, op: positive })}))`',
  ),
  one('a dot matches a line feed', 'filters', 'filter-compare.ts', "pattern.includes('.') ? '(?-s)' : ''", "''"),
  one('one event counts for two steps', 'people', 'funnel.ts', ", 'strict_once')", ')'),
  one(
    'the window of a funnel excludes its end',
    'people',
    'funnel.ts',
    'literal(windowSeconds * 1000)',
    'literal(windowSeconds * 1000 - 1)',
  ),
  one(
    'the first time is the first in the range',
    'people',
    'retention.ts',
    'from: isFirstTime ? allTime.from : (starts[0] as number)',
    'from: starts[0] as number',
  ),
  one(
    'coming back counts beyond the last period',
    'people',
    'retention.ts',
    "r >= cohort + p AND r < cohort + ${value('UInt32', periods)}",
    'r >= cohort + p',
  ),
  one(
    'everybody is a member in one interval only',
    'people',
    'retention.ts',
    'sql`groupUniqArrayIf(i, is_cohort AND',
    'sql`groupUniqArrayIf(1)(i, is_cohort AND',
  ),
  one(
    'a page begins with the last event of the one before',
    'events',
    'events.ts',
    '(time, log_stream, log_offset) < ${place}',
    '(time, log_stream, log_offset) <= ${place}',
  ),
  one('cached answers do not notice late events', 'trend', 'plan.ts', ':${shape}:${version}`', ':${shape}`'),
  one(
    'statements see what came after the snapshot',
    'trend',
    'plan.ts',
    'return allOf([ofProject, included]);',
    'return ofProject;',
  ),
  one(
    'what is told in the instant of the event comes too late for it',
    'filters',
    'profile.ts',
    'toInt64OrNull(t) <= ${timeMs}',
    'toInt64OrNull(t) < ${timeMs}',
  ),
  one(
    'the newest that tells of anything hides what older ones told',
    'filters',
    'profile.ts',
    'allOf([rowsIn(allTime), tellers[of].told, has])',
    'allOf([rowsIn(allTime), tellers[of].told])',
  ),
  one('what is told first stays', 'filters', 'profile.ts', 'argMax(${condition}', 'argMin(${condition}'),
  one('hours are those of UTC', 'events', 'property.ts', 'toHour(time, ${zone})', "toHour(time, 'UTC')"),
  one(
    'a moment in a text is compared as a text',
    'filters',
    'filter-compare.ts',
    "${parsed} ${order} ${value('Int64', time)}",
    "${text} ${order} ${value('String', new Date(time).toISOString())}",
  ),
  one(
    'names of properties are not escaped',
    'injection',
    'sql.ts',
    "part.replaceAll('\\\\', '\\\\\\\\').replaceAll('`', '\\\\`')",
    'part',
  ),
  one(
    'an anonymous id comes before a user id',
    'person',
    'person.ts',
    "user_id = ${wanted}, 0, user_id = '', 1, 2",
    "user_id = '', 0, user_id = ${wanted}, 1, 2",
  ),
];
