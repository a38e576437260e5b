import type { Warehouse } from '../../ports/warehouse.ts';

/** What was put right in the tables of a project behind the back of the log: answers depend on it, and no position tells. */
export interface Correction {
  /** Grows with every correction. */
  readonly count: number;
  /** Events are being taken out just now: no answer is worth keeping. */
  readonly isOpen: boolean;
  /** When events were last taken out, in milliseconds since 1970; 0 when none ever were. */
  readonly removedAt: number;
  /** The same of persons that were deleted. */
  readonly deletedAt: number;
}

export const uncorrected: Correction = { count: 0, isOpen: false, removedAt: 0, deletedAt: 0 };

/** By project. Reads the ledger's rows of one phase, of which there are few. */
export async function readCorrections(warehouse: Warehouse): Promise<ReadonlyMap<string, Correction>> {
  const { rows } = await warehouse.query<{
    project: string;
    n: string;
    open: number;
    removed: string;
    deleted: string;
  }>(
    {
      sql: `SELECT project, count() AS n, countIf(endsWith(token, ':begin')) > countIf(endsWith(token, ':end')) AS open,
              maxIf(toUnixTimestamp64Milli(written_at), startsWith(token, 'dedupe:')) AS removed,
              maxIf(toUnixTimestamp64Milli(written_at), startsWith(token, 'delete:')) AS deleted
            FROM ledger WHERE phase = 'corrected' GROUP BY project`,
    },
    { label: 'corrections', lane: 'ledger' },
  );
  return new Map(
    rows.map(
      ({ project, n, open, removed, deleted }) =>
        [
          project,
          { count: Number(n), isOpen: Number(open) === 1, removedAt: Number(removed), deletedAt: Number(deleted) },
        ] as const,
    ),
  );
}
