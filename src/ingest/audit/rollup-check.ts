import { type Stream, toStreamParts } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { OffsetRange } from '../ledger.ts';
import { readRollupDifferences } from '../rollup.ts';
import { type AuditFinding, toReplay } from './finding.ts';

/** Where more differs than this, a block is named as one. */
const mostDifferences = 1000;

/** The rollup beside the table: by blocks, and where a block differs by halves of it, down to a range of the ledger. */
export async function checkRollup(
  warehouse: Warehouse,
  stream: Stream,
  ranges: readonly OffsetRange[],
): Promise<AuditFinding[]> {
  const first = Math.min(...ranges.map((range) => range.first));
  const last = ranges.at(-1)!.last;
  const differences = await readRollupDifferences(warehouse, { stream, first, last });
  if (differences.length === 0) return [];
  const parts = toStreamParts(stream);
  if (differences.length > mostDifferences) {
    const sum = (of: 'events' | 'rollup') => differences.reduce((all, difference) => all + difference[of], 0);
    return [
      {
        kind: 'ROLLUP',
        stream: parts,
        first,
        last,
        expected: `${sum('events')} events in ${differences.length} hours of names`,
        got: `${sum('rollup')} in rollup_hourly`,
        todo: toReplay(parts, { first, last }),
      },
    ];
  }
  if (ranges.length > 1) {
    const half = ranges.length >> 1;
    const found = [
      ...(await checkRollup(warehouse, stream, ranges.slice(0, half))),
      ...(await checkRollup(warehouse, stream, ranges.slice(half))),
    ];
    if (found.length > 0) return found;
  }
  return differences.map(({ project, event, hour, events, rollup }) => ({
    kind: 'ROLLUP',
    stream: parts,
    first,
    last,
    expected: `${events} events ${JSON.stringify(event)} of project ${project} in the hour from ${new Date(hour * 3_600_000).toISOString()}`,
    got: `${rollup} in rollup_hourly`,
    todo: toReplay(parts, { first, last }),
  }));
}
