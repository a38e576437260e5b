import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fetchEcom } from '../data/ecom.ts';
import { countFunnel, countRetention, readEcom, summarise } from '../data/summarise.ts';
import { ask, eventually, secrets } from './tallygate.ts';

const run = promisify(execFile);

/** Imports the example data set through a gateway, twice, and holds its numbers against an independent count. */
export async function importAndCompare(url: string, env: Readonly<Record<string, string>>): Promise<void> {
  const file = await fetchEcom();
  const { stdout } = await importFile(file, url, env);
  const summary = await summarise(file);
  const events = await readEcom(file);
  expect(stdout).toContain(summary.events.toLocaleString('en-US'));
  await untilStored(url);

  const days = Object.keys(summary.byDay).sort();
  const from = `${days[0]}T00:00:00Z`;
  const to = new Date(Date.parse(`${days[days.length - 1]}T00:00:00Z`) + 86_400_000).toISOString();
  const top = Object.entries(summary.byEvent).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const event = top[0]![0];
  const steps = ['catalog', 'product_view', 'cart'];
  expect(Object.keys(summary.byEvent)).toEqual(expect.arrayContaining(steps));
  const windowSeconds = 86_400;
  const { data, errors } = await ask<{
    all: { series: { values: number[]; total: number }[] };
    one: { buckets: string[]; series: { values: number[]; total: number }[] };
    platforms: { series: { breakdown: [string]; total: number }[] };
    funnel: { steps: { count: number }[] };
    retention: { cohorts: { start: string; size: number; counts: number[] }[] };
  }>(
    url,
    secrets.read,
    `query($from: DateTime!, $to: DateTime!, $event: String!, $steps: [FunnelStepInput!]!, $windowSeconds: Int) {
      all: trend(input: { range: { from: $from, to: $to }, series: [{}, { measure: UNIQUE_USERS }], filter: { property: "platform", op: EXISTS } }) { series { values total } }
      one: trend(input: { range: { from: $from, to: $to }, series: [{ event: $event }, { event: $event, measure: UNIQUE_USERS }] }) { buckets series { values total } }
      platforms: trend(input: { range: { from: $from, to: $to }, interval: MONTH, series: [{}], breakdown: [{ property: "platform", limit: 2 }], filter: { property: "platform", op: EXISTS } }) { series { breakdown total } }
      funnel(input: { range: { from: $from, to: $to }, steps: $steps, windowSeconds: $windowSeconds }) { steps { count } }
      retention(input: { range: { from: $from, to: $to }, interval: DAY, periods: 4, cohortEvent: { event: $event }, returnEvent: { event: $event } }) { cohorts { start size counts } }
    }`,
    { from, to, event, steps: steps.map((name) => ({ event: name })), windowSeconds },
  );
  expect(errors).toBeUndefined();
  const byDay = (counts: Readonly<Record<string, number>>) =>
    data.one.buckets.map((start) => counts[start.slice(0, 10)] ?? 0);
  expect(data.all.series[0]).toEqual({ values: byDay(summary.byDay), total: summary.events });
  expect(data.all.series[1]).toEqual({ values: byDay(summary.usersByDay), total: summary.users });
  expect(data.one.series[0]).toEqual({ values: byDay(summary.byEventAndDay[event]!), total: summary.byEvent[event] });
  expect(data.one.series[1]!.total).toBe(summary.usersByEvent[event]);
  const platforms = Object.entries(summary.byPlatform).sort(([, a], [, b]) => b - a);
  expect(data.platforms.series.slice(0, 2).map(({ breakdown, total }) => [breakdown[0], total])).toEqual(
    platforms.slice(0, 2),
  );
  if (platforms.length > 2)
    expect(data.platforms.series[2]!.total).toBe(platforms.slice(2).reduce((sum, [, n]) => sum + n, 0));
  expect(data.funnel.steps.map(({ count: n }) => n)).toEqual(countFunnel(events, steps, windowSeconds));
  const cohorts = countRetention(events, event, event, 4);
  expect(data.retention.cohorts.filter(({ size }) => size > 0)).toEqual(
    Object.keys(cohorts)
      .sort()
      .map((day) => ({ start: `${day}T00:00:00.000Z`, ...cohorts[day] })),
  );

  // Again: the ids come from the content, so nothing is counted twice.
  await importFile(file, url, env);
  await untilStored(url);
  const again = await ask<{ trend: { series: [{ total: number }] } }>(
    url,
    secrets.read,
    `query($from: DateTime!, $to: DateTime!) { trend(input: { range: { from: $from, to: $to }, series: [{}], filter: { property: "platform", op: EXISTS } }) { series { total } } }`,
    { from, to },
  );
  expect(again.data.trend.series[0].total).toBe(summary.events);
}

function importFile(file: string, url: string, env: Readonly<Record<string, string>>) {
  return run(
    'node',
    ['src/bin.cjs', 'import', file, '--map', 'userId=user_id', '--url', `${url}/graphql`, '--key', secrets.write],
    { env: { ...process.env, ...env } },
  );
}

function untilStored(url: string): Promise<void> {
  return eventually(async () => {
    const { data } = await ask<{ ingestion: { lag: number } }>(url, secrets.read, `{ ingestion { lag } }`);
    expect(data.ingestion.lag).toBe(0);
  });
}
