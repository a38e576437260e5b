import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoSecrets } from '../../src/config.ts';
import { findFreePorts } from '../servers/ports.ts';
import { type Benchmark, toNumber } from './report.ts';
import { toSpread } from './rounds.ts';

const target = 60;
const root = join(import.meta.dirname, '../..');

interface FirstNumber {
  /** Seconds since `npm start`. */
  readonly answering: number;
  readonly acknowledged: number;
  readonly counted: number;
}

export const firstNumber: Benchmark = {
  name: 'first-number',
  title: 'From nothing to the first number',
  about: `After \`npm ci\`: \`npm start\` with an empty data folder; then, as soon as it listens, the first mutation and the first query of its
welcome, until the query answers 1. Machine time alone; nobody has to read or type anything.`,
  async run({ dir, rounds = 5, say }) {
    const runs: FirstNumber[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push(await runOnce(join(dir, `first-${round}`)));
      say(`round ${round + 1} of ${rounds}: ${toNumber(runs.at(-1)?.counted as number)} s`);
    }
    const row = (what: string, key: keyof FirstNumber) => {
      const { min, median, max } = toSpread(runs.map((each) => each[key]));
      return [what, toNumber(min), toNumber(median), toNumber(max)];
    };
    const { max } = toSpread(runs.map(({ counted }) => counted));
    return {
      tables: [
        {
          head: ['Seconds since `npm start`', 'min', 'median', 'max'],
          rows: [
            row('it listens', 'answering'),
            row('the first event is durable', 'acknowledged'),
            row('the first query answers 1', 'counted'),
          ],
        },
      ],
      verdicts: [
        {
          pass: max < target,
          text: `first number after ${toNumber(max)} s at the latest, target under ${target}`,
          mustHold: false,
        },
      ],
      notes: [],
    };
  },
};

async function runOnce(dataDir: string): Promise<FirstNumber> {
  const [port] = (await findFreePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  // A group of its own, since npm's children are not ended with it.
  const npm = spawn('npm', ['start', '--silent'], {
    cwd: root,
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, PORT: String(port), DATA_DIR: dataDir },
  });
  const gone = new Promise((resolve) => npm.once('exit', resolve));
  const endGroup = () => {
    try {
      process.kill(-(npm.pid as number), 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  process.once('exit', endGroup);
  try {
    await until(async () => (await fetch(`${url}/readyz`)).ok);
    const answering = seconds();
    const track = 'mutation { track(input: { event: "Signed Up", userId: "ada" }) { result { status } } }';
    const tracked = await ask<{ track: { result: { status: string } } }>(url, demoSecrets.write, track);
    if (tracked.track.result.status !== 'ACCEPTED')
      throw new Error(`expected ACCEPTED, got ${tracked.track.result.status}`);
    const acknowledged = seconds();
    const trend = '{ trend(input: { range: { last: "1d" }, series: [{ event: "Signed Up" }] }) { series { total } } }';
    let total = 0;
    await until(async () => {
      const { trend: answer } = await ask<{ trend: { series: { total: number }[] } }>(url, demoSecrets.read, trend);
      total = answer.series[0]?.total ?? 0;
      return total > 0;
    });
    if (total !== 1) throw new Error(`expected the first number to be 1, got ${total}`);
    return { answering, acknowledged, counted: seconds() };
  } finally {
    endGroup();
    process.off('exit', endGroup);
    await gone;
  }
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 2 * target * 1000; ; await sleep(20)) {
    const done = await check().catch((thrown: unknown) => {
      if (performance.now() > deadline) throw thrown;
      return false;
    });
    if (done) return;
    if (performance.now() > deadline) throw new Error(`expected it within ${2 * target} s`);
  }
}

async function ask<Data>(url: string, token: string, query: string): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(`expected an answer, got ${JSON.stringify(errors)}`);
  return data;
}
