import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process of its own that does jobs, one after the other, on the cores that it was given. */
export interface Worker<Job, Result> {
  run(job: Job): Promise<Result>;
  /** Ends it; idempotent. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  /** The core that it may use; without one it may use all. */
  readonly core?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const tool = (name: string) => [`/usr/bin/${name}`, `/bin/${name}`].find((path) => existsSync(path));
const taskset = tool('taskset');
const setpriv = tool('setpriv');

/** Whether processes can be tied to cores here. */
export const canPin = taskset !== undefined;

/** A command line that runs on one core, where that can be had. */
export function toPinned(core: number | undefined, command: readonly string[]): readonly [string, ...string[]] {
  const pinned = core !== undefined && taskset ? [taskset, '-c', String(core), ...command] : command;
  return pinned as unknown as readonly [string, ...string[]];
}

/** Starts a file of test/bench/workers/; it ends with the process that started it. */
export function startWorker<Job, Result>(file: string, { core, env }: WorkerOptions = {}): Worker<Job, Result> {
  const [command, ...args] = toPinned(core, [
    process.execPath,
    '--no-warnings',
    join(import.meta.dirname, 'workers', file),
  ]);
  const leashed = setpriv
    ? ([setpriv, ['--pdeathsig', 'KILL', '--', command, ...args]] as const)
    : ([command, args] as const);
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = spawn(leashed[0], leashed[1], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...inherited, ...env },
  });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let busy = false;
  return {
    async run(job) {
      if (busy) throw new Error(`expected one job at a time for ${file}, got a second one`);
      busy = true;
      try {
        return await askChild<Job, Result>(child, file, job);
      } finally {
        busy = false;
      }
    },
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** One job for a process that lives no longer than it. */
export async function runOnce<Job, Result>(file: string, job: Job, options?: WorkerOptions): Promise<Result> {
  const worker = startWorker<Job, Result>(file, options);
  try {
    return await worker.run(job);
  } finally {
    await worker.stop();
  }
}

type Reply<Result> = { readonly result: Result } | { readonly error: string };

function askChild<Job, Result>(child: ChildProcess, file: string, job: Job): Promise<Result> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (reply: Reply<Result>) => {
      settle();
      if ('error' in reply) reject(new Error(`${file}: ${reply.error}`));
      else resolve(reply.result);
    };
    const onExit = (code: number | null, signal: string | null) => {
      settle();
      reject(new Error(`${file} ended in the middle of a job (${signal ?? `exit code ${code}`})`));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send({ job });
  });
}

/** The other side: what a file of test/bench/workers/ is. */
export function serveJobs<Job, Result>(handle: (job: Job) => Promise<Result>): void {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ job }: { job: Job }) => {
    handle(job).then(
      (result) => process.send?.({ result }),
      (thrown: unknown) =>
        process.send?.({ error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
    );
  });
}

/** Seconds of CPU that a process has used, all its threads together; 0 where the system does not tell. */
export function readCpuSeconds(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return 0;
  // The fields stand behind the command's name, which may hold anything: 14 and 15 are user and system time in hundredths.
  const fields = readFileSync(path, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
