import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../servers/ports.ts';
import { startProcess } from '../servers/process.ts';

export const root = join(import.meta.dirname, '../..');

/** A Tallygate process that is started again when it ends by itself, as an orchestrator would. */
export interface Child {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly running: boolean;
  /** How often it has been started. */
  readonly lives: number;
  /** SIGKILL; it stays away until restart(). */
  kill(): Promise<void>;
  /** SIGTERM; it stays away until restart(). */
  stop(): Promise<void>;
  /** With these settings on top, when there are any. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** What all its lives have written. */
  output(): Promise<string>;
  /** Kills it, for good. */
  close(): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly role: 'serve' | 'gateway' | 'sink';
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

/** Pause before a process that has ended by itself is started again, in milliseconds. */
const restartMs = 1000;

export async function startChild({ name, role, dir, env, say }: ChildOptions): Promise<Child> {
  const [port] = (await findFreePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(dir, `${name}.log`);
  let lives = 1;
  let wanted = true;
  const process = await startProcess({
    name,
    command: globalThis.process.execPath,
    args: [join(root, 'src/bin.cjs'), role],
    env: { NODE_OPTIONS: '', ...env, PORT: String(port) },
    logFile,
    keepLog: true,
    answers: async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) })).ok,
    startMs: 60_000,
    stopMs: 40_000,
    onUnexpectedEnd: (how) => void startAgain(how),
  });

  async function startAgain(how: string): Promise<void> {
    say(`${name} has ended by itself (${how})`);
    while (wanted && !process.running) {
      await sleep(restartMs);
      if (!wanted || process.running) return;
      lives++;
      await process
        .restart()
        .catch((cause: Error) => say(`${name} did not come back: ${cause.message.split('\n')[0]}`));
    }
  }

  return {
    name,
    url,
    get pid() {
      return process.pid;
    },
    get running() {
      return process.running;
    },
    get lives() {
      return lives;
    },
    async kill() {
      wanted = false;
      await process.kill();
    },
    async stop() {
      wanted = false;
      await process.stop();
    },
    async restart() {
      wanted = true;
      lives++;
      await process.restart();
    },
    freeze: () => process.freeze(),
    thaw: () => process.thaw(),
    output: () => readFile(logFile, 'utf8'),
    async close() {
      wanted = false;
      await process.kill();
    },
  };
}
