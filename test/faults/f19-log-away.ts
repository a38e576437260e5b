import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { ServerFault } from './fault.ts';
import { writeKeyOf } from './load.ts';

const seconds = Number(process.env.FAULT_OUTAGE_SECONDS ?? 600);
const floodIds = 300;
const mebibyte = 1024 * 1024;
/** What a gateway may grow by while it has nowhere to put events: twice the bytes that it may queue, and the collector's slack. */
const mostGrowth = 350 * mebibyte;

export const logAway: ServerFault = {
  name: 'F19',
  on: 'servers',
  about: `The only broker is away for ${seconds} s (FAULT_OUTAGE_SECONDS), killed or, in the second run, frozen, while clients go on sending, for the first half minute with all that they can. Requests are refused with 503 and a time to come back, the memory of gateways and sinks stays bounded, and everything goes on when the broker is back.`,
  async inject({ kafka, gateways, sinks }, { variant, load, say }) {
    for (let n = 0; n < floodIds; n++) load.history.record('gamma', `flood-${n}`, 'unknown');
    const children = [...gateways, ...sinks].map(({ child }) => child);
    const first = children.map(readMemory);
    if (variant === 1) kafka.freeze();
    else await kafka.kill();
    const until = Date.now() + seconds * 1000;
    const flood = Math.min(until, Date.now() + 30_000);
    const statuses = new Map<number, number>();
    let most = first;
    const floods = gateways.flatMap(({ child }) =>
      Array.from({ length: 8 }, async () => {
        while (Date.now() < flood) {
          const status = await sendMany(child.url).catch(() => 0);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
    );
    while (Date.now() < until) {
      most = children.map((child, i) => Math.max(most[i]!, readMemory(child)));
      await sleep(1000);
    }
    await Promise.all(floods);
    const growth = most.map((bytes, i) => Math.round((bytes - first[i]!) / mebibyte));
    say(`statuses ${JSON.stringify([...statuses])}; growth in MiB: ${growth.join(', ')}`);
    const refused = [...statuses].filter(([status]) => status !== 503 && status !== 0);
    if (refused.length > 0) throw new Error(`expected 503 while the log is away, got ${JSON.stringify(refused)}`);
    if (Math.max(...growth) * mebibyte > mostGrowth)
      throw new Error(`expected at most ${mostGrowth / mebibyte} MiB more, got ${growth.join(', ')}`);
    if (variant === 1) kafka.thaw();
    else await kafka.restart();
  },
};

/** Resident bytes; none of a process that has ended and is about to be started again. */
function readMemory({ pid, running }: Child): number {
  const status = running ? readStatus(pid) : '';
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** 300 of a few ids, none of which is ever known to be stored. */
async function sendMany(url: string): Promise<number> {
  const events = Array.from({ length: floodIds }, (_, i) => ({
    track: { event: 'Flood', userId: 'flood', messageId: `flood-${i}`, properties: { text: 'x'.repeat(1000) } },
  }));
  const query = 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted } }';
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${writeKeyOf('gamma')}` },
    body: JSON.stringify({ query, variables: { input: { events } } }),
    signal: AbortSignal.timeout(30_000),
  });
  await response.arrayBuffer();
  return response.status;
}
