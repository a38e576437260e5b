import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessOptions {
  /** As messages call it: "kafka", "kafka node 2". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes stdout and stderr; written anew at each start, unless keepLog is set. */
  readonly logFile: string;
  readonly keepLog?: boolean;
  /** Asks once whether it answers; a rejection counts as "not yet". */
  readonly answers: () => Promise<boolean>;
  /** Milliseconds from the start to the first answer. */
  readonly startMs: number;
  /** Milliseconds that an orderly stop may take before it is killed. */
  readonly stopMs: number;
  /** Called when it ends without having been told to. */
  readonly onUnexpectedEnd?: (how: string) => void;
}

/** A process that serves something; all that takes time resolves when it has happened. */
export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when that takes too long. */
  stop(): Promise<void>;
  /** Starts it again as it was started first; kills it before when it still runs. Resolves when it answers. */
  restart(): Promise<void>;
  /** SIGSTOP: from then on it keeps its connections and answers nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

// Linux ends the server when the process that started it is gone, however that came about.
const leash = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/** Starts a process and waits until it answers; rejects with the end of its log when it does not. */
export async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const { name, logFile } = options;
  let child = launch(options);
  let expected = false;
  let gone = watch(child);

  async function untilItAnswers(): Promise<void> {
    const deadline = Date.now() + options.startMs;
    while (Date.now() < deadline) {
      if (hasEnded(child)) throw new Error(`${name} ended while it started (${toEnd(child)})${readLogEnd(logFile)}`);
      // The port may still be answered by something else, so the process has to be alive after the answer, too.
      if ((await options.answers().catch(() => false)) && !hasEnded(child)) return;
      await sleep(25);
    }
    await end('SIGKILL');
    throw new Error(`${name} did not answer within ${options.startMs / 1000} s${readLogEnd(logFile)}`);
  }

  function watch(watched: ChildProcess): Promise<void> {
    expected = false;
    return new Promise((resolve) => {
      watched.once('error', () => resolve());
      watched.once('exit', () => {
        resolve();
        if (!expected) options.onUnexpectedEnd?.(toEnd(watched));
      });
    });
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (hasEnded(child)) return;
    expected = true;
    child.kill(signal);
    if (signal === 'SIGTERM') {
      child.kill('SIGCONT'); // a frozen process would never see the request
      const late = setTimeout(() => child.kill('SIGKILL'), options.stopMs);
      await gone;
      clearTimeout(late);
    }
    await gone;
  }

  await untilItAnswers();
  return {
    get pid() {
      return child.pid ?? -1;
    },
    get running() {
      return !hasEnded(child);
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async restart() {
      await end('SIGKILL');
      child = launch(options);
      gone = watch(child);
      await untilItAnswers();
    },
    freeze() {
      child.kill('SIGSTOP');
      untilStopped(child.pid!);
    },
    thaw: () => void child.kill('SIGCONT'),
  };
}

function launch({ command, args, env, logFile, keepLog }: ProcessOptions): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, keepLog ? 'a' : 'w');
  // The options of the test runner's Node are not meant for the servers.
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const [file, ...rest] = leash ? [leash, '--pdeathsig', 'KILL', '--', command, ...args] : [command, ...args];
  try {
    return spawn(file as string, rest, { stdio: ['ignore', log, log], env: { ...inherited, ...env } });
  } finally {
    closeSync(log);
  }
}

/** The signal is only sent, and a thread on another processor runs on for a moment: until the last one stands still. */
function untilStopped(pid: number): void {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return;
  const isRunning = (task: string) => {
    const stat = readFileSync(`${tasks}/${task}/stat`, 'utf8');
    return !'TtZX'.includes(stat[stat.lastIndexOf(')') + 2]!);
  };
  while (readdirSync(tasks).some((task) => existsSync(`${tasks}/${task}`) && isRunning(task)));
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function toEnd(child: ChildProcess): string {
  if (child.pid === undefined) return `${child.spawnfile} could not be run`;
  return child.signalCode ?? `exit code ${child.exitCode}`;
}

function readLogEnd(logFile: string): string {
  const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20) : [];
  return lines.join('') === '' ? `; its log ${logFile} is empty` : `; the end of ${logFile}:\n  ${lines.join('\n  ')}`;
}
