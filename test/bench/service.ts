import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../servers/ports.ts';
import { type ServerProcess, startProcess } from '../servers/process.ts';
import { credentials } from './operations.ts';
import { toPinned } from './worker.ts';

export interface Service extends ServerProcess {
  readonly url: string;
}

export interface ServiceOptions {
  readonly role: 'serve' | 'gateway' | 'sink';
  /** Its folder: data and log. */
  readonly dir: string;
  readonly core?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it leaves a CPU profile when it stops. */
  readonly profileDir?: string | undefined;
}

const root = join(import.meta.dirname, '../..');

/** Starts the service as a process of its own, as a user would, tied to a core. */
export async function startService({ role, dir, core, env, profileDir }: ServiceOptions): Promise<Service> {
  const [port] = (await findFreePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const profile = profileDir ? ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${profileDir}`] : [];
  const [command, ...args] = toPinned(core, [process.execPath, ...profile, join(root, 'src/bin.cjs'), role]);
  const server = await startProcess({
    name: `tallygate ${role}`,
    command,
    args,
    env: { ...credentials, DATA_DIR: join(dir, 'data'), LOG_LEVEL: 'warn', ...env, PORT: String(port) },
    logFile: join(dir, `${role}.log`),
    answers: async () => (await fetch(`${url}/readyz`)).ok,
    startMs: 60_000,
    stopMs: 40_000,
  });
  // Its process is asked through getters, which a copy would freeze.
  return Object.assign(server, { url });
}

/** The sum over a metric's labels, only of those lines that hold `label`. */
export async function readMetric(url: string, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      if (line.includes(label)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

/** Waits until the sink has dealt with everything that the gateway has acknowledged; resolves with that number. */
export async function untilStored(gatewayUrl: string, sinkUrl: string, deadlineMs: number): Promise<number> {
  for (const until = performance.now() + deadlineMs; ; await sleep(50)) {
    const accepted = await readMetric(gatewayUrl, 'tallygate_events_total', 'status="ACCEPTED"');
    const dealtWith = await readMetric(sinkUrl, 'tallygate_sink_rows_total');
    if (dealtWith >= accepted) return accepted;
    if (performance.now() > until)
      throw new Error(`expected the sink to store ${accepted} events within ${deadlineMs} ms, it has ${dealtWith}`);
  }
}
