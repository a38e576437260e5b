import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerFault } from './fault.ts';
import { projects, readTokenOf } from './load.ts';

const trend =
  'query ($f: FreshnessInput) { trend(input: { range: { last: "7d" }, series: [{ event: "Viewed" }], freshness: $f }) { series { total } } }';

export const cacheInTrouble: ServerFault = {
  name: 'F12',
  on: 'servers',
  site: { cache: true },
  about:
    'The report cache of one gateway is frozen for 6 s, killed, and comes back empty; the other gateway’s answers every question with random bytes. Both gateways are asked for reports all the while: a total never goes back, and in the end each gateway’s totals are those of the table.',
  async inject({ couchbase, gateways }, { say }) {
    let running = true;
    let answers = 0;
    const reading = gateways.flatMap(({ child }) =>
      projects.map(async (project) => {
        for (let last = 0; running; await sleep(100)) {
          const total = await readTotal(child.url, project).catch(() => null);
          if (total === null) continue;
          answers++;
          if (total < last) throw new Error(`${child.name} told ${total} events of ${project} after ${last}`);
          last = total;
        }
      }),
    );
    const read = Promise.all(reading);
    await Promise.race([sleep(2000), read]);
    couchbase!.freeze();
    await Promise.race([sleep(6000), read]);
    couchbase!.thaw();
    await couchbase!.kill();
    await Promise.race([sleep(3000), read]);
    await couchbase!.restart();
    await Promise.race([sleep(3000), read]);
    running = false;
    await read;
    say(`${answers} reports were answered`);
    if (answers < 20) throw new Error('expected more reports to be answered');
  },
  async settled({ gateways, ask }) {
    for (const { child } of gateways)
      for (const project of projects) {
        const [row] = await ask<[string]>(
          `SELECT count() FROM events WHERE project = '${project}' AND event = 'Viewed'`,
        );
        // The watermark that a gateway goes by is a quarter of a second old at most.
        const told = await readTotal(child.url, project, { maxAgeMs: 0, maxWaitMs: 10_000 });
        if (told !== Number(row?.[0]))
          throw new Error(`${child.name} tells ${told} events of ${project}, the table has ${row?.[0]}`);
      }
  },
};

async function readTotal(url: string, project: string, freshness?: object): Promise<number> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${readTokenOf(project)}` },
    body: JSON.stringify({ query: trend, variables: { f: freshness } }),
    signal: AbortSignal.timeout(20_000),
  });
  const { data, errors } = (await response.json()) as {
    data?: { trend?: { series: { total: number }[] } | null };
    errors?: unknown;
  };
  const total = data?.trend?.series[0]?.total;
  if (total === undefined) throw new Error(`expected a total, got ${JSON.stringify(errors)}`);
  return total;
}
