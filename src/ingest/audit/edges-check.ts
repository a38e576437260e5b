import { type Stream, toStreamParts } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { readEdgeDifferences } from '../edges.ts';
import type { OffsetRange } from '../ledger.ts';
import { type AuditFinding, toOffsetRanges, toReplay } from './finding.ts';

/** The edges of identity beside the events that they came from. */
export async function checkEdges(
  warehouse: Warehouse,
  stream: Stream,
  { first, last }: OffsetRange,
): Promise<AuditFinding[]> {
  const differences = await readEdgeDifferences(warehouse, { stream, first, last });
  const parts = toStreamParts(stream);
  const rangesOf = (isMissing: boolean) =>
    toOffsetRanges([
      ...new Set(differences.filter((each) => each.isMissing === isMissing).map(({ offset }) => offset)),
    ]);
  return [
    ...rangesOf(true).map(
      (range): AuditFinding => ({
        kind: 'EDGES',
        stream: parts,
        ...range,
        expected: 'an edge of each identify and alias in identity_edges',
        got: 'events without theirs',
        todo: toReplay(parts, range),
      }),
    ),
    ...rangesOf(false).map(
      (range): AuditFinding => ({
        kind: 'EDGES',
        stream: parts,
        ...range,
        expected: 'no edge in identity_edges but those of events',
        got: 'edges that no event has',
        todo: `delete them from identity_edges, WHERE log_stream = ${stream} AND log_offset BETWEEN ${range.first} AND ${range.last}, then ${toReplay(parts, range)}`,
      }),
    ),
  ];
}
