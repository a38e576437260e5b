import { TallygateError } from '../../errors.ts';
import type { SourceRow } from './rows.ts';
import type { State } from './state.ts';

/**
 * Rows that will not be in the reports, each once however often it is met: the comparison leaves them out. More than
 * `most` are a wrong mapping, and not worth going on for.
 */
export function createRejects(most: number, known: State['rejected'] = []) {
  const rejects = new Map(known.map((each) => [JSON.stringify(each[0]), each]));
  return {
    /** False for a row that is known with the same reason. */
    add({ id, millis, event }: SourceRow, code: string): boolean {
      const key = JSON.stringify(id);
      const before = rejects.get(key);
      rejects.set(key, [[...id], millis, event, code]);
      if (rejects.size > most) {
        throw new TallygateError(
          'INVALID_INPUT',
          `expected at most ${most} rows that are rejected, got more, the last one with ${code}: check the mapping with --dry-run, narrow the rows with --where, or raise --most-rejects`,
        );
      }
      return before?.[3] !== code;
    },
    /** An update has made it right. */
    remove({ id }: SourceRow): void {
      if (rejects.size > 0) rejects.delete(JSON.stringify(id));
    },
    list: (): State['rejected'] => [...rejects.values()],
  };
}

export type Rejects = ReturnType<typeof createRejects>;
