import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { abusive } from '../integration/abusive.ts';
import type { ServerFault } from './fault.ts';
import { readTokenOf, writeKeyOf } from './load.ts';
import type { Random } from './random.ts';

export const graphqlAbuse: ServerFault = {
  name: 'F16',
  on: 'servers',
  about:
    'For 12 s both gateways get documents that are made to cost a naive server its time or memory, bodies beyond the limit, bytes that are no HTTP, and a hundred connections that send a byte a second and never end, all with valid credentials. Neither gateway may end, and the load beside it goes on.',
  async inject({ gateways }, { random, load }) {
    let running = true;
    const documents = Object.values(abusive);
    const abuse = gateways.flatMap(({ child }) =>
      Array.from({ length: 3 }, async () => {
        while (running) {
          const token = random.chance(0.5) ? readTokenOf('alpha') : writeKeyOf('alpha');
          const body = random.chance(0.1) ? 'x'.repeat(2_000_000) : JSON.stringify({ query: random.pick(documents) });
          await fetch(`${child.url}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
            body,
            signal: AbortSignal.timeout(10_000),
          })
            .then((response) => response.arrayBuffer())
            .catch(() => undefined);
          await sleep(random.below(60));
        }
      }),
    );
    const sockets = await Promise.all(
      gateways.flatMap(({ child }) =>
        Array.from({ length: 50 }, () => openSlow(Number(new URL(child.url).port), random)),
      ),
    );
    for (let second = 0; second < 12; second++) {
      for (const socket of sockets) if (!socket.destroyed) socket.write(random.chance(0.5) ? 'x' : ' ');
      await sleep(1000);
    }
    await load.more(30);
    running = false;
    for (const socket of sockets) socket.destroy();
    await Promise.all(abuse);
  },
  async settled({ gateways }) {
    for (const { child } of gateways)
      if (child.lives > 1) throw new Error(`expected ${child.name} to have lived on, it is in life ${child.lives}`);
  },
};

async function openSlow(port: number, random: Random): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  socket.write(
    random.pick(['POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n', 'GET / HT', '\u0000\u0016']),
  );
  return socket;
}
