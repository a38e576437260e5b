import { historyLane, toStreamParts } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { AuditFinding } from './finding.ts';

/** One of several events of one messageId. Times are milliseconds since 1970. */
export interface Sighting {
  readonly project: string;
  readonly messageId: string;
  readonly stream: number;
  readonly offset: number;
  readonly receivedAt: number;
  readonly time: number;
  readonly fingerprint: number;
}

const hour = 3_600_000;
const day = 24 * hour;
/** Ids that one statement groups: about 100 bytes each. */
const idsAPass = 4_000_000;

/** Events of ids that more than one position has, by id, each in order of receipt. In as many passes as memory asks for. */
export async function* readRepeated(warehouse: Warehouse, project: string | null): AsyncIterable<readonly Sighting[]> {
  const options = { label: 'repeats', lane: 'sink', limits: { seconds: 600, resultRows: 10_000_000 } } as const;
  const of = project === null ? '1' : 'project = {project:String}';
  const { rows: counted } = await warehouse.query<{ n: string }>(
    { sql: `SELECT count() AS n FROM events WHERE ${of}`, params: { project: project ?? '' } },
    options,
  );
  const passes = Math.ceil(Number(counted[0]!.n) / idsAPass);
  for (let pass = 0; pass < passes; pass++) {
    const some = `${of} AND cityHash64(message_id) % {passes:UInt32} = {pass:UInt32}`;
    const { rows } = await warehouse.query<Record<string, string>>(
      {
        sql: `SELECT project, message_id, log_stream, log_offset, toUnixTimestamp64Milli(received_at) AS received, toUnixTimestamp64Milli(time) AS at, fingerprint
              FROM events WHERE ${some} AND (project, message_id) IN (
                SELECT project, message_id FROM events WHERE ${some} GROUP BY project, message_id HAVING count() > 1)
              ORDER BY project, message_id, received, log_stream, log_offset`,
        params: { project: project ?? '', passes, pass },
      },
      options,
    );
    let group: Sighting[] = [];
    for (const row of rows) {
      const sighting = {
        project: row.project as string,
        messageId: row.message_id as string,
        stream: Number(row.log_stream),
        offset: Number(row.log_offset),
        receivedAt: Number(row.received),
        time: Number(row.at),
        fingerprint: Number(row.fingerprint),
      };
      const [first] = group;
      if (first && (first.project !== sighting.project || first.messageId !== sighting.messageId)) {
        yield group;
        group = [];
      }
      group.push(sighting);
    }
    if (group.length > 0) yield group;
  }
}

/** What the window of repeats should have kept out; `later` counts what came when it had forgotten the id. */
export async function checkIds(
  warehouse: Warehouse,
  windowHours: number,
): Promise<{ findings: AuditFinding[]; later: number }> {
  const findings: AuditFinding[] = [];
  let later = 0;
  for await (const group of readRepeated(warehouse, null)) {
    group.forEach((one, i) => {
      const before = group.slice(0, i);
      // A position that is there twice is found where positions are counted.
      if (before.some(({ stream, offset }) => stream === one.stream && offset === one.offset)) return;
      const first = before.find((other) => isKnown(other, one, windowHours));
      if (first === undefined) {
        if (before.length > 0) later++;
        return;
      }
      findings.push({
        kind: 'REPEAT_COUNTED',
        stream: toStreamParts(one.stream),
        first: one.offset,
        last: one.offset,
        expected: `messageId ${JSON.stringify(one.messageId)} of project ${one.project} once within ${windowHours} hours`,
        got: `it counts at position ${first.offset} of stream ${first.stream} as well`,
        todo: `tallygate dedupe --project ${one.project}`,
      });
    });
  }
  return { findings, later };
}

/** Whether the second of two events should have met the first one in the window of their pair, whichever was decided first. */
function isKnown(a: Sighting, b: Sighting, windowHours: number): boolean {
  const [of, to] = [toStreamParts(a.stream), toStreamParts(b.stream)];
  if (of.epoch !== to.epoch || of.partition !== to.partition) return false;
  const isReceivedNear = Math.abs(Math.floor(a.receivedAt / hour) - Math.floor(b.receivedAt / hour)) <= windowHours;
  const isTimeNear = Math.abs(a.time - b.time) <= day;
  const history = [of, to].filter(({ lane }) => lane === historyLane).length;
  if (history === 0) return isReceivedNear;
  return history === 2 ? isTimeNear : isReceivedNear && isTimeNear;
}
