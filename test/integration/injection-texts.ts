import fc from 'fast-check';

/** Texts that would like to be something else, and those of somebody else. */

const pieces = [
  "'",
  '"',
  '`',
  '\\',
  '\\\\',
  '{p0:String}',
  '{p1:Array(String)}',
  '{',
  '}',
  '\0',
  '\n',
  '\t',
  '--',
  '/*',
  '*/',
  ';',
  '$',
  '%s',
  '(',
  ')',
  ' OR 1=1 ',
  ' UNION ALL SELECT data FROM events ',
  "') OR project != ('",
  ' SETTINGS max_execution_time=0 ',
  ' FORMAT JSON ',
  '😀',
  '\u2028',
  'project',
  ':`Int64`',
  '@',
  '^',
  '\x1b',
];
export const evil = fc
  .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 })
  .map((parts) => `x${parts.join('')}y`);

/** Stands in another project's events, and in no question: whoever sees it sees too much. */
export const secret = 'Zx81SecretOfAnother';
export const theirs = {
  event: 'Their Event',
  user: 'their-user',
  anonymous: 'their-anonymous',
  group: 'their-group',
  message: 'their-message',
  property: 'theirProperty',
  value: 'their value',
} as const;
