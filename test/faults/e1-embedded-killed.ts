import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedFault } from './fault.ts';
import { losePower } from './lose-power.ts';

export const embeddedKilled: EmbeddedFault = {
  name: 'F1 embedded',
  on: 'embedded',
  about:
    'The one process, with its log and its engine in it, is killed with SIGKILL at a random moment four times, and started again at once.',
  async inject({ child }, { random, load, short }) {
    for (let round = short ? 2 : 0; round < 4; round++) {
      await sleep(random.below(1200));
      await child.kill();
      await child.restart();
      await load.more(50);
    }
  },
};

export const powerLost: EmbeddedFault = {
  name: 'F2 power loss',
  on: 'embedded',
  about:
    'SIGKILL proves nothing about the disk, since what was written lives on in the page cache. So after the kill the newest parts of the engine’s tables are removed, or cut in half, by lot for each table, while the engine’s own memory of insert tokens stays: as if the power had gone between the two. The engine is told to fsync, so this is worse than what it may do. What the log has brings everything back.',
  async inject({ child, dataDir }, { random, load, say, short }) {
    for (let round = short ? 1 : 0; round < 3; round++) {
      await sleep(random.between(500, 2000));
      await child.kill();
      say(`lost: ${losePower(dataDir, random).join(', ') || 'nothing'}`);
      await child.restart();
      await load.more(60);
    }
  },
};

export const embeddedStopped: EmbeddedFault = {
  name: 'F3 embedded',
  on: 'embedded',
  about:
    'The one process is stopped with SIGSTOP for 5 s in the middle of requests and inserts, and goes on with SIGCONT.',
  async inject({ child }, { random }) {
    await sleep(random.below(800));
    child.freeze();
    await sleep(5000);
    child.thaw();
  },
};
