import { setTimeout as sleep } from 'node:timers/promises';
import type { Scene, ServerFault } from './fault.ts';
import { writeKeyOf } from './load.ts';
import { runCommand } from './run-command.ts';
import type { Site } from './site.ts';

const sent = 400;

export const duplicates: ServerFault = {
  name: 'F14 duplicates',
  on: 'servers',
  about:
    'Beside the load, 400 ids are sent to both gateways at once, and again, with another payload, up to six times in all, while sinks are killed and come back, so that what they know of earlier ids has to be rebuilt. Each id counts once, with the payload of the first one that was acknowledged.',
  async inject(site, { load, random, short }) {
    const send = (gateway: number, n: number, payload: string) => sendOne(site, gateway, { load }, `dup-${n}`, payload);
    for (let n = 0; n < sent; n += 50) {
      const range = Array.from({ length: 50 }, (_, i) => n + i);
      await Promise.all(range.flatMap((id) => [send(0, id, 'first'), send(1, id, 'first')]));
    }
    for (let round = 0; round < (short ? 2 : 4); round++) {
      const { child } = site.sinks[round % 2]!;
      await child.kill();
      for (let n = 0; n < sent; n += 50) {
        const ids = Array.from({ length: 25 }, () => n + random.below(50));
        await Promise.all(ids.map((id) => send(random.below(2), id, random.chance(0.5) ? 'first' : 'later')));
      }
      await child.restart();
      await load.more(40);
    }
  },
  async settled({ ask }) {
    const rows = await ask<[string]>(
      `SELECT message_id FROM events WHERE startsWith(message_id, 'dup-') AND doc.properties.payload.:String != 'first'`,
    );
    if (rows.length > 0)
      throw new Error(`expected the first payload to stand, not so for ${rows.slice(0, 5).join(', ')}`);
    const [count] = await ask<[string]>(`SELECT count() FROM events WHERE startsWith(message_id, 'dup-')`);
    if (Number(count?.[0]) !== sent) throw new Error(`expected ${sent} ids, got ${count?.[0]}`);
  },
};

export const topicRecreated: ServerFault = {
  name: 'F14 topic recreated',
  on: 'servers',
  about:
    'When everything is stored the topic is deleted and made anew, so that its offsets begin at 0 again. The sinks end themselves with LOG_REPLACED instead of taking the new records for old ones, until "tallygate migrate --new-epoch" says that it was meant. What was sent to the old topic is not sent again here; test/integration/repeats.test.ts does that.',
  async inject(site, { load, say }) {
    await load.pause();
    load.forget();
    await untilStored(site);
    site.pastLogs.push({ epoch: site.epoch, ends: await site.readEnds() });
    await site.admin.deleteTopics({ topics: [site.topic] });
    load.resume();
    await load.more(50, 90);
    // Time enough for a sink that does not notice to do harm.
    await sleep(5000);
    const { code, output } = await runCommand(['migrate', '--new-epoch'], site.directEnv);
    if (code !== 0) throw new Error(`expected a new epoch, got: ${output}`);
    say(output.trim());
    site.epoch++;
    for (const { child } of site.sinks) await child.restart();
  },
};

export const offsetsReset: ServerFault = {
  name: 'F14 offsets reset',
  on: 'servers',
  about:
    'The sinks are stopped and the offsets of their group are set back to the beginning, or the group is deleted, and the sinks start again: what the ledger has is not stored once more.',
  async inject(site, { load, variant }) {
    for (const { child } of site.sinks) await child.stop();
    const partitions = (await site.readEnds()).map((_, partition) => ({ partition, offset: '0' }));
    if (variant === 1) await site.admin.deleteGroups([site.group]);
    else await site.admin.setOffsets({ groupId: site.group, topic: site.topic, partitions });
    await load.more(100);
    for (const { child } of site.sinks) await child.restart();
  },
};

async function untilStored(site: Site): Promise<void> {
  for (const until = Date.now() + 60_000; (await site.readLag()) > 0; await sleep(200))
    if (Date.now() > until) throw new Error('expected everything to be stored within 60 s');
}

async function sendOne(
  { gateways }: Site,
  gateway: number,
  { load }: Pick<Scene, 'load'>,
  messageId: string,
  payload: string,
): Promise<void> {
  const input = { event: 'Again', userId: `d${messageId}`, messageId, properties: { payload } };
  const query = 'mutation ($input: TrackInput!) { track(input: $input) { result { status } } }';
  const response = await fetch(`${gateways[gateway]!.child.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${writeKeyOf('beta')}` },
    body: JSON.stringify({ query, variables: { input } }),
    signal: AbortSignal.timeout(20_000),
  });
  const { data } = (await response.json()) as { data?: { track?: { result: { status: string } } | null } };
  load.history.record('beta', messageId, data?.track?.result.status === 'ACCEPTED' ? 'acknowledged' : 'unknown');
}
