import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, secrets } from '../e2e/tallygate.ts';
import { connect } from './migrate-source.ts';

const trackBatch = `mutation($input: TrackBatchInput!) { trackBatch(input: $input) { results { status } } }`;

/**
 * An application in the middle of its move: it inserts rows and tracks the same events under the same ids, before or
 * after it commits, in transactions of different lengths, with savepoints, and some rolled back; it inserts rows of its
 * past, behind the copy, without tracking them; and it updates old rows.
 */
export async function startTraffic(databaseUrl: string, gatewayUrl: string, rows: number) {
  const counts = { both: 0, tableAlone: 0, updated: 0, rolledBack: 0 };
  let stopping = false;
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (seed >> 12) % below; // the low bits repeat soon
  };

  async function track(events: object[]): Promise<void> {
    const { data, errors } = await ask<{ trackBatch: { results: { status: string }[] } }>(
      gatewayUrl,
      secrets.write,
      trackBatch,
      { input: { events } },
    );
    if (errors || data.trackBatch.results.some(({ status }) => status !== 'ACCEPTED'))
      throw new Error(`expected live events to be taken: ${JSON.stringify(errors ?? data)}`);
  }

  async function writeToBoth(): Promise<void> {
    const client = await connect(databaseUrl);
    try {
      while (!stopping) {
        const made = Array.from({ length: 1 + random(5) }, () => ({
          messageId: randomUUID(),
          event: `Live ${random(3)}`,
          userId: `u${random(500)}`,
          timestamp: new Date().toISOString(),
          properties: { n: random(1000) },
        }));
        const isGivenUp = random(8) === 0;
        const isTrackedFirst = !isGivenUp && random(2) === 0;
        const toTracked = () => track(made.map((input) => ({ track: input })));
        await client.query('BEGIN');
        for (const { messageId, event, userId, timestamp, properties } of made) {
          if (random(3) === 0) await client.query('SAVEPOINT s');
          await client.query(
            'INSERT INTO events (message_id, event, user_id, time, properties) VALUES ($1, $2, $3, $4, $5)',
            [messageId, event, userId, timestamp, properties],
          );
        }
        if (isTrackedFirst) await toTracked();
        await sleep(random(300));
        await client.query(isGivenUp ? 'ROLLBACK' : 'COMMIT');
        if (isGivenUp) counts.rolledBack += made.length;
        else {
          if (!isTrackedFirst) await toTracked();
          counts.both += made.length;
        }
      }
    } finally {
      await client.end();
    }
  }

  async function writeThePast(): Promise<void> {
    const client = await connect(databaseUrl);
    try {
      while (!stopping) {
        await client.query(
          `INSERT INTO events (id, event, user_id, time, properties) VALUES ($1, 'Past', 'u1', now() - interval '20 days', '{"n": 1}')`,
          [-1 - counts.tableAlone],
        );
        counts.tableAlone++;
        const { rowCount } = await client.query(
          `UPDATE events SET properties = properties || '{"changed": true}' WHERE id = $1`,
          [1 + random(rows)],
        );
        counts.updated += rowCount ?? 0;
        await sleep(20);
      }
    } finally {
      await client.end();
    }
  }

  const running = Promise.all([writeToBoth(), writeToBoth(), writeThePast()]);
  running.catch(() => undefined);
  return {
    counts,
    async stop() {
      stopping = true;
      await running;
    },
  };
}
