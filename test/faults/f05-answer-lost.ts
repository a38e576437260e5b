import { setTimeout as sleep } from 'node:timers/promises';
import { disarm } from './f02-sink-killed.ts';
import type { ServerFault } from './fault.ts';
import { apiKey } from './kafka-frames.ts';

export const answerLost: ServerFault = {
  name: 'F5',
  on: 'servers',
  about:
    'Only the broker’s answers to produce requests are lost: the batch is stored, and the gateway does not hear of it. For 8 s a third of these answers takes its connection along; then three are swallowed while the connection stays, so that the gateway waits until its own deadline. What the gateway sends again is a second record of the same event.',
  async inject(site, { load, random, short, say }) {
    let lost = 0;
    for (const { log } of site.gateways)
      for (const proxy of log)
        proxy.onFrame = ({ direction, apiKey: key }) => {
          if (key !== apiKey.produce || direction !== 'response' || !random.chance(0.33)) return 'pass';
          lost++;
          return 'cut';
        };
    await sleep(short ? 3000 : 8000);
    disarm(site);
    await load.more(50);
    let swallowed = 0;
    for (const { log } of site.gateways)
      for (const proxy of log)
        proxy.onFrame = ({ direction, apiKey: key }) => {
          if (key !== apiKey.produce || direction !== 'response' || swallowed >= 3) return 'pass';
          swallowed++;
          return 'drop';
        };
    for (const until = Date.now() + 20_000; swallowed < 3 && Date.now() < until; ) await sleep(100);
    disarm(site);
    await load.more(50);
    say(`${lost} answers lost with their connections, ${swallowed} swallowed`);
    if (lost === 0 || swallowed === 0) throw new Error('expected some answers to be lost');
  },
};
