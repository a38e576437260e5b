import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ServerFault } from './fault.ts';

const day = 86_400_000;
const names = ['gateway1', 'gateway2', 'sink1', 'sink2'] as const;
const fileOf = (name: string, dir: string) => join(dir, `${name}.clock`);
const preload = pathToFileURL(join(import.meta.dirname, 'clock-jump.ts')).href;

export const clockJumps: ServerFault = {
  name: 'F15',
  on: 'servers',
  site: {
    // A clock that is a day ahead makes every earlier event a day old: the window has to be longer than the error.
    env: { DEDUP_WINDOW_HOURS: '72' },
    envOf: (name, dir) => ({ NODE_OPTIONS: `--import=${preload}`, FAULT_CLOCK_FILE: fileOf(name, dir) }),
  },
  about:
    'The clocks of one gateway, of both sinks, or of all four jump a day ahead for 5 s and a day back for 5 s, one of these a run; DEDUP_WINDOW_HOURS is 72, since a window of a day is used up by a clock that is a day ahead. The processes are not root of a clock of their own: a module that is loaded before them shifts Date, while timers run on, as when a real clock is set.',
  async inject({ dir }, { variant, load }) {
    const members = variant === 0 ? ['gateway1'] : variant === 1 ? ['sink1', 'sink2'] : names;
    const set = (shift: number) => {
      for (const name of members) writeFileSync(fileOf(name, dir), String(shift));
    };
    for (const shift of [day, -day]) {
      set(shift);
      await sleep(5000);
      await load.more(60);
    }
    set(0);
    await sleep(500);
  },
};
