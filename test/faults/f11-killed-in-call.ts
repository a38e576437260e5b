import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedFault, ServerFault } from './fault.ts';
import type { Random } from './random.ts';

const calls = ['rename,renameat,renameat2', 'fdatasync,fsync', 'write,pwrite64,pwritev'] as const;

function whyNoStrace(): string | undefined {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=none', 'true']);
  return status === 0 ? undefined : 'there is no strace, or it may not trace (Debian: apt-get install strace)';
}

/** Sends SIGKILL when a thread of the process enters the n-th of these system calls; resolves when the process is gone, or after 15 s. */
async function killInCall(pid: number, names: string, random: Random, isGone: () => boolean): Promise<boolean> {
  const when = random.between(1, 6);
  const inject = `inject=${names}:signal=SIGKILL:when=${when}`;
  const tracer = spawn(
    'strace',
    ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${names}`, '-e', inject, '-p', String(pid)],
    {
      stdio: 'ignore',
    },
  );
  const ended = once(tracer, 'exit');
  for (const until = Date.now() + 15_000; !isGone() && Date.now() < until; ) await sleep(20);
  const wasHit = isGone();
  tracer.kill('SIGTERM');
  await ended;
  return wasHit;
}

const about =
  'is killed by strace with SIGKILL when one of its threads enters its n-th call, n at random, of rename, of fsync and fdatasync, or of write, one a run; three times.';

export const killedInCall: readonly (ServerFault | EmbeddedFault)[] = [
  {
    name: 'F11 warehouse',
    on: 'servers',
    missing: whyNoStrace,
    about: `ClickHouse ${about}`,
    async inject({ clickhouse }, { variant, random, load, say }) {
      for (let round = 0; round < 3; round++) {
        const wasHit = await killInCall(clickhouse.pid, calls[variant]!, random, () => !clickhouse.running);
        say(wasHit ? `killed in ${calls[variant]}` : `no such call came: killed anyway`);
        await clickhouse.restart();
        await load.more(60);
      }
    },
  },
  {
    name: 'F11 embedded',
    on: 'embedded',
    missing: whyNoStrace,
    about: `The one process, with log and engine, ${about}`,
    async inject({ child }, { variant, random, load, say }) {
      for (let round = 0; round < 3; round++) {
        const { lives } = child;
        const wasHit = await killInCall(
          child.pid,
          calls[variant]!,
          random,
          () => !child.running || child.lives > lives,
        );
        say(wasHit ? `killed in ${calls[variant]}` : `no such call came: killed anyway`);
        if (!wasHit) {
          await child.kill();
          await child.restart();
        }
        await load.more(60);
      }
    },
  },
];
