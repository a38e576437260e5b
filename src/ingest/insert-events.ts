import { isTallygateError } from '../errors.ts';
import { joinLines, type Line } from './batch.ts';

/**
 * Inserts the lines of events that the engine takes, and resolves with the offsets of those that it refuses, and why. They
 * are found by halving; the halves' tokens are as stable as the whole one's.
 */
export async function insertEvents(
  lines: readonly Line[],
  token: string,
  insert: (lines: Buffer, token: string) => Promise<void>,
): Promise<Map<number, string>> {
  if (lines.length === 0) return new Map();
  try {
    await insert(joinLines(lines), token);
    return new Map();
  } catch (thrown) {
    if (!isTallygateError(thrown) || thrown.code !== 'BAD_ROWS') throw thrown;
    if (lines.length === 1) return new Map([[lines[0]!.offset, thrown.message]]);
    const half = lines.length >> 1;
    const refused = await insertEvents(lines.slice(0, half), `${token}:l`, insert);
    for (const each of await insertEvents(lines.slice(half), `${token}:r`, insert)) refused.set(...each);
    return refused;
  }
}
