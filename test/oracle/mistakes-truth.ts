// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source text

import { type Mutation, one } from './mistake.ts';

/** What makes answers of a cache wrong, and of more than one gateway. */
export const truthMutations: readonly Mutation[] = [
  one(
    'the version of an answer is the last position of any stream',
    'truth',
    'moment/versions.ts',
    'JSON.stringify(sorted)',
    'String(Math.max(0, ...sorted.map(([, last]) => last)))',
  ),
  one(
    'the version of an answer is one number that grows with every position',
    'truth',
    'moment/versions.ts',
    'JSON.stringify(sorted)',
    'String(sorted.reduce((sum, [, last]) => sum + last + 1, 0))',
  ),
  one(
    'statements about days that are over see every row that is there',
    'truth',
    'plan.ts',
    "return hole.hole === 'person' ? toPerson(hole.id) : scope;",
    "if (hole.hole === 'person') return toPerson(hole.id);\n    const isOver = hole.hole === 'rows' && hole.to < Date.now() - 3_600_000;\n    return isOver ? sql`project = ${value('String', project)}` : scope;",
  ),
  one(
    'rows count as soon as they are stored, and batches are told of when they are',
    'truth',
    'plan.ts',
    'return allOf([ofProject, toIncluded([...vector].sort(([a], [b]) => a - b))]);',
    'return ofProject;',
  ),
  one('a merge changes no version', 'truth', 'session.ts', '`${version}.${ofMerges[i]}`', 'version'),
  one(
    'a merge changes what its own hour shows',
    'merges',
    'identity/merges.ts',
    'pieces.push(hours([scope, sql`person IN (SELECT child FROM (${added}))`], added));',
    "pieces.push(hours([scope, sql`kind IN ('identify', 'alias')`], sql`SELECT parent AS child, log_stream, log_offset FROM identity_edges WHERE ${scope}`));",
  ),
  one(
    'who was merged before does not matter to a merge',
    'merges',
    'identity/merges.ts',
    'chained > 0 ? sql`(${isOld} OR ${leads})` : isOld',
    'chained > 1e9 ? sql`(${isOld} OR ${leads})` : isOld',
  ),
  one(
    'merges of before this month do not matter',
    'merges',
    'identity/merges.ts',
    'const isOld = sql`received_at < ${moment(since)}`;',
    'const isOld = sql`received_at < ${moment(0)}`;',
  ),
  one(
    'who a listed id is now follows from the events of the range',
    'merges',
    'identity/merges.ts',
    'asksOfOthers(plan) ? null : await',
    'await',
  ),
  one(
    'later events of an id that was merged do not matter',
    'merges',
    'identity/merges.ts',
    'if (known?.isSome) {',
    'if (known?.isSome && since < 0) {',
  ),
  {
    mistake: 'repeats are stored, and go when the engine puts parts together',
    test: 'truth',
    edits: [
      ['../ingest/batch.ts', "if (verdict !== 'new') {", "if (verdict === 'conflict') {"],
      [
        '../adapters/clickhouse/migrations/0001_events.sql',
        'ENGINE = {{engine MergeTree}}',
        'ENGINE = {{engine ReplacingMergeTree}}',
      ],
      [
        '../adapters/clickhouse/migrations/0001_events.sql',
        'ORDER BY (project, event, time)',
        'ORDER BY (project, event, time, message_id)',
      ],
    ],
  },
  one(
    'now is now, also of a snapshot that is handed back',
    'truth',
    'moment/moment.ts',
    '      snapshot: at as string,',
    '      now: clock(),\n      snapshot: at as string,',
  ),
  one(
    'entries of a block are those of whatever version is the latest',
    'truth',
    'cells/cells.ts',
    'known?.find(([version]) => version === versions[i])',
    'known?.[0]',
  ),
  one(
    'an event that is on its way does not hold asOf back',
    'truth',
    'moment/watermark.ts',
    'if (!reaches(vector, epoch, oldest.ends)) break;',
    'if (vector.size === 0) break;',
  ),
];
