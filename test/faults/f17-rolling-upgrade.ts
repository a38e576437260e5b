import { setTimeout as sleep } from 'node:timers/promises';
import { parseEvent } from '../../src/events/parse.ts';
import { encodeRecord } from '../../src/events/record.ts';
import type { ServerFault } from './fault.ts';
import type { Random } from './random.ts';
import type { Site } from './site.ts';

type Row = Record<string, unknown>;

/** What gateways of other versions make of the record that this one makes. */
const versions: readonly ((row: Row) => Row)[] = [
  // A later one: fields that this version does not know, at both ends.
  (row) => ({ later: { a: [1, 2] }, ...row, schema_hint: 'x', tags: ['a', 'b'] }),
  // An earlier one: no fingerprint, and the key's name behind the event's, as it was.
  ({ fingerprint: _, key_id, kind, event, ...row }) => {
    const { v, project, message_id, received_at, time, ...rest } = row;
    return { v, project, message_id, received_at, time, kind, event, key_id, ...rest };
  },
  // The fields of this one in another order.
  (row) => Object.fromEntries(Object.entries(row).reverse()),
];

export const rollingUpgrade: ServerFault = {
  name: 'F17',
  on: 'servers',
  about:
    'Gateways and sinks are replaced one after the other, in order (SIGTERM, then a new process), while the log gets, beside the load, records as a later version writes them (fields that this one does not know), as an earlier one wrote them (without fingerprint, fields elsewhere), and with all fields in another order; some ids come by several versions. Only one version can run here, so the others’ records are written straight into the log.',
  async inject(site, { load, random }) {
    let running = true;
    const writing = (async () => {
      const producer = site.kafkaClient.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      for (let n = 0; running; n += 20) {
        const ids = Array.from(
          { length: 20 },
          (_, i) => `version-${random.chance(0.1) && n > 0 ? random.below(n) : n + i}`,
        );
        await producer.send({ topic: site.topic, acks: -1, messages: ids.map((id) => toMessage(id, random)) });
        for (const id of ids) load.history.record('gamma', id, 'acknowledged');
        await sleep(100);
      }
      await producer.disconnect();
    })();
    await replaceAll(site);
    running = false;
    await writing;
    await load.more(50);
  },
};

async function replaceAll({ gateways, sinks }: Site): Promise<void> {
  for (const { child } of [...sinks, ...gateways]) {
    await child.stop();
    await child.restart();
  }
}

function toMessage(messageId: string, random: Random) {
  const receivedAt = Date.now();
  const arrival = { project: 'gamma', keyId: 'key', receivedAt, retentionDays: undefined };
  const { event } = parseEvent(
    'track',
    { event: 'Versioned', userId: messageId, messageId, properties: { a: 1 } },
    arrival,
  );
  const row = JSON.parse(encodeRecord(event!, arrival).toString()) as Row;
  const value = JSON.stringify(random.pick(versions)(row));
  // Every try of one id meets in one partition, as by a person's key.
  return { partition: 2 * (Number(messageId.split('-')[1]) % 2), key: messageId, value };
}
