import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { TallygateError, toMessage } from '../../errors.ts';

/** A row that will not be in the reports: when, what, why. */
const rejectForm = z.tuple([z.array(z.string()), z.number().nullable(), z.string().nullable(), z.string()]);

const stateForm = z.strictObject({
  version: z.literal(1),
  /** What is copied, and how: another one is another copy. */
  copy: z.strictObject({
    table: z.string(),
    key: z.array(z.string()),
    where: z.string(),
    mapping: z.string(),
    target: z.string(),
  }),
  /** Every row of transactions before this one is behind `last`, or between it and `bound`. */
  horizon: z.string().regex(/^\d+$/),
  /** The last key of the first pass; null: the table was empty. */
  bound: z.array(z.string()).nullable(),
  /** The last key whose row and all before it were acknowledged. */
  last: z.array(z.string()).nullable(),
  walked: z.boolean(),
  rows: z.number(),
  rejected: z.array(rejectForm),
  /** Stands for everything that was acknowledged. */
  token: z.string().nullable(),
});

export type State = z.infer<typeof stateForm>;
export type Copy = State['copy'];

/** The state that an earlier run left; undefined where there is no file. Throws INVALID_INPUT for one of another copy. */
export async function readState(path: string, copy: Copy): Promise<State | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TallygateError('INVALID_INPUT', `--state: expected a file that can be read: ${toMessage(cause)}`, {
      cause,
    });
  }
  const state = parseState(text, path);
  for (const part of ['table', 'key', 'where', 'mapping', 'target'] as const) {
    const [before, now] = [String(state.copy[part]), String(copy[part])];
    if (before === now) continue;
    const shown = part === 'mapping' ? 'another mapping' : `${part} ${before || '(none)'}`;
    const asked = part === 'mapping' ? '' : `, got ${part} ${now || '(none)'}`;
    throw new TallygateError(
      'INVALID_INPUT',
      `--state: expected the file of a copy with ${shown}, which ${path} is${asked}; name another file, or remove this one to begin anew`,
    );
  }
  return state;
}

function parseState(text: string, path: string): State {
  try {
    return stateForm.parse(JSON.parse(text));
  } catch (cause) {
    throw new TallygateError(
      'INVALID_INPUT',
      `--state: expected a file that an earlier run has written, got something else in ${path}; name another file, or remove this one to begin anew`,
      { cause },
    );
  }
}

/** Whole or not at all, and on the disk when it resolves. */
export async function writeState(path: string, state: State): Promise<void> {
  const unfinished = `${path}.new`;
  const folder = dirname(resolve(path));
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    const entry = await open(folder);
    await entry.sync().finally(() => entry.close());
  } catch (cause) {
    throw new TallygateError('INVALID_INPUT', `--state: expected a file that can be written: ${toMessage(cause)}`, {
      cause,
    });
  }
}
