import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { liveLane, toLogPartition, toPartitions, toStream } from '../../../src/events/position.ts';
import { decideBatch, joinLines } from '../../../src/ingest/batch.ts';
import { readFacts } from '../../../src/ingest/facts.ts';
import type { EventLog, LogRecord, NewRecord } from '../../../src/ports/event-log.ts';
import { openLog } from '../../../src/roles/backends.ts';
import { createRecords } from '../events.ts';
import { serveJobs } from '../worker.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';
import { untilKnown } from './until-known.ts';

export interface PrepareJob {
  readonly seed: string;
  readonly events: number;
  /** Rows of one file. */
  readonly batchRows: number;
  /** Folder for the rows as files, as the sink would insert them; null for none. */
  readonly rowsDir: string | null;
}

export interface Prepared {
  readonly bytes: number;
  readonly files: readonly string[];
  /** All rows in one. */
  readonly wholeFile: string | null;
}

const appendRecords = 2500;
/** Received from here on, ten events a millisecond. */
const firstReceivedAt = Date.UTC(2026, 0, 15, 12);

async function fill(log: EventLog, { seed, events }: PrepareJob): Promise<number> {
  const next = createRecords(seed);
  const partitions = await untilKnown(() => log.partitions());
  let bytes = 0;
  for (let from = 0; from < events; from += appendRecords) {
    const records: NewRecord[] = [];
    for (let i = from; i < Math.min(from + appendRecords, events); i++) {
      const record = next(firstReceivedAt + Math.floor(i / 10));
      bytes += record.value.length;
      records.push(record);
    }
    const partition = Math.floor(from / appendRecords) % toPartitions(partitions);
    await log.append(toLogPartition(liveLane, partition), records);
  }
  return bytes;
}

/** What the sink would send for the log's first partition, batch by batch. */
async function writeRows(log: EventLog, { events, batchRows }: PrepareJob, dir: string) {
  const stream = toStream({ epoch: 0, lane: liveLane, partition: 0 });
  const wholeFile = join(dir, 'all.ndjson');
  const whole = createWriteStream(wholeFile);
  const files: string[] = [];
  for (let from = 0; from < events; from += batchRows) {
    const records: LogRecord[] = [];
    for await (const chunk of log.read(0, from, from + batchRows - 1)) records.push(...chunk);
    const facts = await readFacts(records);
    const batch = await decideBatch(
      stream,
      records,
      facts,
      records.map(() => 'new'),
    );
    const lines = joinLines(batch.events);
    const file = join(dir, `rows-${files.length}.ndjson`);
    files.push(file);
    const out = createWriteStream(file);
    out.end(lines);
    await finished(out);
    if (!whole.write(lines)) await once(whole, 'drain');
  }
  whole.end();
  await finished(whole);
  return { files, wholeFile };
}

serveJobs<PrepareJob, Prepared>(async (job) => {
  const log = await openLog(toConfig(), quietTelemetry());
  const bytes = await fill(log, job);
  const rows = job.rowsDir === null ? { files: [], wholeFile: null } : await writeRows(log, job, job.rowsDir);
  await log.close();
  return { bytes, ...rows };
});
