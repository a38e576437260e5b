import { createReports } from '../../../src/reports/reports.ts';
import { openCache } from '../../../src/roles/backends.ts';
import { growthCases } from '../growth-cases.ts';
import { firstDay, lastDay, project } from '../report-events.ts';
import { serveJobs } from '../worker.ts';
import { type Counts, measure, openCounted } from './counted.ts';

/** The report of this place so many times, one after the other. 'cells': of a snapshot that it is given back, for which nothing is finished. */
export interface GrowthJob {
  readonly events: number;
  readonly place: number;
  readonly of: 'finished' | 'cells';
  readonly times: number;
}

export interface GrowthAsked extends Counts {
  /** Of each. */
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const range = { from: new Date(firstDay), to: new Date(lastDay) };
const signal = new AbortController().signal;
let opened: ReturnType<typeof open> | null = null;

async function open(events: number) {
  const { config, telemetry, deps, take } = await openCounted(events);
  const reports = createReports({ ...deps, cache: openCache(config, telemetry) });
  const snapshots = new Map<number, string>();
  const ask = (place: number, at?: string) => {
    const { input } = growthCases[place] as (typeof growthCases)[number];
    return reports
      .begin(project, signal)
      .trend({ ...input, range, ...(at === undefined ? {} : { freshness: { at } }) });
  };
  return { take, ask, snapshots };
}

serveJobs<GrowthJob, GrowthAsked>(async ({ events, place, of, times }) => {
  opened ??= open(events);
  const { take, ask, snapshots } = await opened;
  for (let tries = 0; !snapshots.has(place); tries++) {
    const { series, meta } = await ask(place);
    const values = series.reduce((sum, line) => sum + line.values.length, 0);
    const { values: expected } = growthCases[place] as (typeof growthCases)[number];
    if (values !== expected) throw new Error(`expected ${expected} values, got ${values}`);
    if (meta.source === 'CACHE') snapshots.set(place, meta.snapshot);
    else if (tries > 9) throw new Error(`expected what was asked before to be cached, got ${meta.source}`);
    // What is written into the cache is there a moment later.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const at = of === 'cells' ? snapshots.get(place) : undefined;
  take();
  const { seconds, cpuSeconds } = await measure(async () => {
    for (let i = 0; i < times; i++) await ask(place, at);
  });
  return { seconds: seconds / times, cpuSeconds: cpuSeconds / times, ...take() };
});
