import { setTimeout as sleep } from 'node:timers/promises';
import { toTouch } from '../../../src/events/touch.ts';
import { toLedgerRow } from '../../../src/ingest/ledger.ts';
import { createReports, type Reports } from '../../../src/reports/reports.ts';
import { openCache } from '../../../src/roles/backends.ts';
import { forgetfulCache } from '../../contract/forgetful-cache.ts';
import { lateCases } from '../late-cases.ts';
import { firstDay, lastDay, project, toUnseen } from '../report-events.ts';
import { serveJobs } from '../worker.ts';
import { type Counts, measure, openCounted, toText } from './counted.ts';

/** One late event and the report of this place, asked for after it. 'make': the table alone; 'forget': as if none had come. */
export interface LateJob {
  readonly events: number;
  readonly what: 'make' | 'forget' | { readonly place: number };
}

export interface LateAsked extends Counts {
  readonly seconds: number;
}

/** null when there was nothing to ask. */
export type Late = { readonly late: LateAsked; readonly cold: LateAsked } | null;

interface Unseen {
  readonly stream: number;
  readonly offset: number;
  readonly event: string;
  readonly time: number;
}

const mostUnseen = 5000;
/** A little more than the second for which equal computations are shared. */
const unsharedMs = 1100;
const range = { from: new Date(firstDay), to: new Date(lastDay) };
const signal = new AbortController().signal;
let opened: ReturnType<typeof open> | null = null;

async function open(events: number) {
  const { config, telemetry, warehouse, engine, deps, take } = await openCounted(events);
  const forget = () =>
    engine.command({ query: `ALTER TABLE ledger DELETE WHERE last_offset >= ${events} SETTINGS mutations_sync = 2` });
  await forget();
  const { rows } = await warehouse.query<{ stream: number; offset: string; event: string; time: string }>(
    {
      sql: `SELECT log_stream AS stream, log_offset AS offset, event, toString(toUnixTimestamp64Milli(time)) AS time FROM events
            WHERE log_offset >= {events:UInt64} AND log_offset < {end:UInt64} ORDER BY offset LIMIT ${mostUnseen}`,
      params: { events, end: events + toUnseen(events) },
    },
    { label: 'bench' },
  );
  const unseen = rows.map((row): Unseen => ({ ...row, offset: Number(row.offset), time: Number(row.time) }));
  const ends = new Map<number, number>();

  /** They lie in the table: now the ledger has them, too. */
  const complete = async (some: readonly Unseen[]) => {
    if (some.length === 0) return;
    const lines = [...Map.groupBy(some, ({ stream }) => stream)].map(([stream, own]) => {
      const first = ends.get(stream) ?? events;
      const last = (own.at(-1) as Unseen).offset;
      ends.set(stream, last + 1);
      const newest = Math.max(...own.map(({ time }) => time));
      const touches = new Set(own.map(({ time }) => toTouch(time, time)));
      const stored = own.length;
      // The numbers between are those of the other streams.
      const dropped = last - first + 1 - stored;
      const counts = { project, keyId: 'k1', stored, deduplicated: 0, deadLettered: 0, dropped, touches };
      const times = { newestReceivedAt: newest, newestTime: newest };
      return toLedgerRow('completed', { stream, first, last }, `late:${first}`, { ...counts, ...times });
    });
    await warehouse.insert('ledger', Buffer.from(lines.join('')), { token: crypto.randomUUID() });
  };

  return {
    take,
    forget,
    unseen,
    complete,
    remembering: createReports({ ...deps, cache: openCache(config, telemetry) }),
    forgetful: createReports({ ...deps, cache: forgetfulCache }),
  };
}

/** Asks of a day without events, as of no earlier than now: the reports asked for next are as of that moment. */
const read = (reports: Reports) =>
  reports.begin(project, signal).trend({
    range: { from: new Date(firstDay - 86_400_000), to: range.from },
    series: [{}],
    freshness: { maxAgeMs: 1 },
  });

serveJobs<LateJob, Late>(async ({ events, what }) => {
  opened ??= open(events);
  const { take, forget, unseen, complete, remembering, forgetful } = await opened;
  if (what === 'forget') await forget();
  if (typeof what === 'string') return null;
  const { input, asked } = lateCases[what.place] as (typeof lateCases)[number];
  const ask = (reports: Reports) => reports.begin(project, signal).trend({ ...input, range }, asked);
  const askMeasured = async (reports: Reports) => {
    await read(reports);
    await sleep(unsharedMs);
    await read(reports);
    take();
    const { answer, seconds } = await measure(() => ask(reports));
    return { text: toText(answer.series), asked: { seconds, ...take() } };
  };

  const next = unseen.findIndex(({ event }) => event === 'Product Viewed');
  if (next < 0) throw new Error('expected another event that is not in the ledger, got none');
  await complete(unseen.splice(0, next));
  await read(remembering);
  await ask(remembering);
  // What is written into the cache is there a moment later.
  await sleep(200);
  const before = toText((await ask(remembering)).series);
  await complete(unseen.splice(0, 1));
  const late = await askMeasured(remembering);
  const cold = await askMeasured(forgetful);
  if (late.text !== cold.text) throw new Error(`expected equal answers, got ${late.text} and ${cold.text}`);
  if (asked.grows && late.text === before)
    throw new Error('expected an answer with the late event, got the one before');
  return { late: late.asked, cold: cold.asked };
});
