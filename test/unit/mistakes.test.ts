import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutations } from '../oracle/mistakes.ts';

test.each(mutations)('"$mistake" can still be made', ({ edits }) => {
  for (const [file, from] of edits) {
    const text = readFileSync(join(import.meta.dirname, '../../src/reports', file), 'utf8');
    expect([file, from, text.split(from).length - 1]).toEqual([file, from, 1]);
  }
});
