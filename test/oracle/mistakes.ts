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
    'filter.ts',
    'return sql`NOT (${compare(property, positive, given, at, op)})`',
    'return sql`(${exists(property)} AND NOT (${compare(property, positive, given, at, op)}))`',
  ),
  one(
    'a dot matches a line feed',
    'filters',
    'filter.ts',
    "pattern.includes('.') ? `(?-s)${pattern}` : pattern",
    'pattern',
  ),
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
    'retention',
    'retention-plan.ts',
    'from: isFirstTime ? allTime.from : start',
    'from: start',
  ),
  one(
    'coming back counts beyond the last period',
    'retention',
    'retention-plan.ts',
    'i >= cohort AND i < cohort + ${length}',
    'i >= cohort',
  ),
  one(
    'everybody is a member in one interval only',
    'retention',
    'retention-plan.ts',
    ': joined.toArray(sql`joined`)',
    ': sql`arraySlice(${joined.toArray(sql`joined`)}, 1, 1)`',
  ),
  one(
    'a bracket is as long as an interval',
    'retention',
    'retention.ts',
    '  return brackets;',
    '  return brackets.map(() => 1);',
  ),
  one(
    'a period is over when it has begun',
    'retention',
    'retention.ts',
    'edges[i + last] as number',
    'edges[i + last - 1] as number',
  ),
  one(
    'on or after is over when its own period is',
    'retention',
    'retention.ts',
    'isOrAfter ? (ends[ends.length - 1] as number) : own',
    'own',
  ),
  one(
    'a breakdown shows the value of the last cohort event',
    'retention',
    'retention-plan.ts',
    'sql`minIf((ms, value), is_cohort).2`',
    'sql`maxIf((ms, value), is_cohort).2`',
  ),
  one(
    'the people of on or after are those of the last return',
    'retention',
    'retention-plan.ts',
    'sql`period >= ${period}`',
    'sql`period = ${period}`',
  ),
  one(
    'nobody is dormant in the first interval',
    'lifecycle',
    'lifecycle.ts',
    'change.1 >= 2 AND',
    "change.1 >= if(change.2 = 'dormant', 3, 2) AND",
  ),
  one(
    'the first event ever is the first in the range',
    'lifecycle',
    'lifecycle.ts',
    '{ ...range, from: allTime.from, to: end }',
    '{ ...range, from: before, to: end }',
  ),
  one(
    'who came back after a pause never left',
    'lifecycle',
    'lifecycle.ts',
    "before + 1 = i, 'returning'",
    "before >= 1, 'returning'",
  ),
  one(
    'active in an interval is once for each event',
    'stickiness',
    'stickiness.ts',
    'toUInt32(${active.toSize(sql`active`)}) AS intervals, count() AS persons FROM (\n        SELECT ${active.collect(toIndexExpression(buckets), always)} AS active',
    'toUInt32(active) AS intervals, count() AS persons FROM (\n        SELECT count() AS active',
  ),
  one(
    'a page begins with the last event of the one before',
    'events',
    'events.ts',
    '(time, log_stream, log_offset) < (',
    '(time, log_stream, log_offset) <= (',
  ),
  one('cached answers do not notice late events', 'trend', 'plan.ts', ':${shape}:${version}`', ':${shape}`'),
  one(
    'statements see what came after the snapshot',
    'trend',
    'plan.ts',
    'return allOf([ofProject, included]);',
    'return ofProject;',
  ),
];
