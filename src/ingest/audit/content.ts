import { type Stream, toStreamParts } from '../../events/position.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { readFacts } from '../facts.ts';
import type { OffsetRange } from '../ledger.ts';
import { inRange } from '../stream-range.ts';
import { type AuditFinding, toOffsetRanges } from './finding.ts';

/** Positions of one statement. */
const step = 10_000;
const nobody = { project: '', messageId: '', fingerprint: 0 };

/** The row of a position tells of the record that the log has there. Resolves with how many were compared, too. */
export async function checkContent(
  { log, warehouse }: { readonly log: EventLog; readonly warehouse: Warehouse },
  { stream, logPartition }: { readonly stream: Stream; readonly logPartition: number },
  range: OffsetRange,
): Promise<{ readonly findings: AuditFinding[]; readonly compared: number }> {
  const findings: AuditFinding[] = [];
  let compared = 0;
  for (let first = range.first; first <= range.last; first += step) {
    const last = Math.min(first + step - 1, range.last);
    const records: LogRecord[] = [];
    for await (const chunk of log.read(logPartition, first, last)) for (const record of chunk) records.push(record);
    if (records.length === 0) continue;
    const facts = await readFacts(records);
    const rows = await readRows(warehouse, stream, { first, last });
    const others: number[] = [];
    records.forEach(({ offset }, i) => {
      const row = rows.get(offset);
      if (row === undefined) return;
      compared++;
      const { project, messageId, fingerprint } = facts.at(i) ?? nobody;
      if (row !== toText(project, messageId, fingerprint)) others.push(offset);
    });
    for (const other of toOffsetRanges(others))
      findings.push({
        kind: 'CONTENT',
        stream: toStreamParts(stream),
        ...other,
        expected: 'rows of the records that the log has at these positions, by project, messageId and fingerprint',
        got: 'rows of other records',
        todo: 'the log was replaced under the same epoch, or rows were changed by hand: see the chapter on operating',
      });
  }
  return { findings, compared };
}

async function readRows(warehouse: Warehouse, stream: Stream, range: OffsetRange): Promise<Map<number, string>> {
  const of = (table: string) => `SELECT log_offset, project, message_id, fingerprint FROM ${table} WHERE ${inRange}`;
  const { rows } = await warehouse.query<{
    log_offset: string;
    project: string;
    message_id: string;
    fingerprint: number;
  }>(
    {
      sql: ['events', 'dead_letters', 'repeats', 'tombstones'].map(of).join(' UNION ALL '),
      params: { stream, ...range },
    },
    { label: 'verify', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
  );
  return new Map(
    rows.map((row) => [Number(row.log_offset), toText(row.project, row.message_id, row.fingerprint)] as const),
  );
}

function toText(project: string, messageId: string, fingerprint: number): string {
  return `${project}\0${messageId}\0${fingerprint}`;
}
