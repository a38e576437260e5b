import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { demoSecrets } from '../config.ts';
import { toMessage } from '../errors.ts';
import { createHistory } from './demo/history.ts';
import { createLive } from './demo/live.ts';
import { createDelivery } from './import/deliver.ts';
import type { EventInput } from './import/event-input.ts';
import { createGatewaySend } from './import/gateway-send.ts';
import { createLanes } from './import/lanes.ts';
import { createProgress, type Progress, type ProgressStream } from './import/progress.ts';

export interface DemoDeps {
  /** Aborted when the process was asked to stop. */
  readonly signal: AbortSignal;
  readonly onExitCode: (code: number) => void;
  readonly stderr?: ProgressStream;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

interface Flags {
  url: string;
  key: string;
  seed: string;
  days: number;
  visitors: number;
  rate: number;
}

/** Small enough for the 500 KB of a request. */
const batchEvents = 500;
const tickMs = 250;

/** `tallygate demo`: seeded shop traffic through a running gateway, first the past days, then live. */
export function createDemoCommand(deps: DemoDeps): Command {
  return new Command('demo')
    .description('Sends the traffic of a made-up shop to a running gateway: some past days at once, then live.')
    .option('--url <address>', "address of the gateway's /graphql", 'http://127.0.0.1:4000/graphql')
    .option('--key <key>', 'write key', demoSecrets.write)
    .option('--seed <text>', 'another seed is another shop; the same one sends the same past', 'shop')
    .option('--days <days>', 'past days to fill, today included; 0 for none', whole(3650), 30)
    .option('--visitors <number>', 'new visitors on an ordinary day', whole(100_000), 200)
    .option('--rate <events>', 'live events a second, until stopped; 0 to end after the past', whole(50_000), 20)
    .action(async (flags: Flags) => deps.onExitCode(await runDemo(flags, deps)));
}

async function runDemo(flags: Flags, { signal, stderr = process.stderr, clock = Date.now }: DemoDeps): Promise<number> {
  try {
    const sender = createSender(flags, signal, stderr);
    if (flags.days > 0) await sendHistory(flags, sender, signal, clock);
    if (flags.rate > 0 && !signal.aborted) await sendLive(flags, sender, signal, clock);
    stderr.write(`${sender.toReport()}\n`);
    return sender.refused() > 0 ? 3 : 0;
  } catch (error) {
    if (signal.aborted) return 0;
    stderr.write(`demo: ${toMessage(error)}\n`);
    return 1;
  }
}

/** Delivers, and counts what became of it. */
function createSender({ url, key }: Flags, signal: AbortSignal, stderr: ProgressStream) {
  let progress: Progress | undefined;
  let accepted = 0;
  let refused = 0;
  let reason = '';
  let lastNote = 0;
  const deliver = createDelivery({
    send: createGatewaySend({ url, key }),
    patienceMs: 60_000,
    signal,
    onRetry: (_events, _waitMs, said) => {
      if (Date.now() - lastNote > 5000) progress?.note(`${said}; trying again`);
      lastNote = Date.now();
    },
  });
  return {
    async send(events: readonly EventInput[]): Promise<void> {
      for (const { status, errors } of await deliver(events)) {
        if (status === 'ACCEPTED') accepted++;
        else {
          refused++;
          reason ||= `${status}: ${errors[0]?.message ?? 'no reason was given'}`;
        }
      }
    },
    begin(total: number | undefined): Progress {
      progress = createProgress(stderr, { total, unit: 'events' });
      return progress;
    },
    accepted: () => accepted,
    refused: () => refused,
    toReport: () =>
      `${accepted.toLocaleString('en-US')} events accepted${refused > 0 ? `, ${refused.toLocaleString('en-US')} refused, the first one ${reason}` : ''}`,
  };
}

type DemoSender = ReturnType<typeof createSender>;

async function sendHistory(flags: Flags, sender: DemoSender, signal: AbortSignal, clock: () => number): Promise<void> {
  const progress = sender.begin(flags.days);
  progress.note(`sending the past ${flags.days} days`);
  const lanes = createLanes(4);
  try {
    for (const { number, events } of createHistory({ ...flags, until: clock() })) {
      for (let from = 0; from < events.length && !signal.aborted; from += batchEvents) {
        const batch = events.slice(from, from + batchEvents);
        await lanes.start(() => sender.send(batch));
        progress.update(number - 1 + from / events.length, sender.accepted());
      }
    }
    await lanes.drain();
  } finally {
    progress.stop();
  }
}

async function sendLive(flags: Flags, sender: DemoSender, signal: AbortSignal, clock: () => number): Promise<void> {
  const progress = sender.begin(undefined);
  progress.note(`sending ${flags.rate} events a second; stop with Ctrl-C`);
  const live = createLive(flags.seed, clock().toString(36));
  const lanes = createLanes(4);
  const before = sender.accepted();
  let owed = 0;
  let last = performance.now();
  try {
    while (!signal.aborted) {
      await sleep(tickMs, undefined, { signal });
      const now = performance.now();
      // While the gateway is away nothing piles up: live traffic that was not sent did not happen.
      owed = Math.min(owed + ((now - last) * flags.rate) / 1000, flags.rate * 2);
      last = now;
      for (; owed >= 1 && lanes.free(); ) {
        const batch = live(Math.min(batchEvents, Math.floor(owed)), clock());
        owed -= batch.length;
        await lanes.start(() => sender.send(batch));
      }
      progress.update(0, sender.accepted() - before);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await lanes.drain().catch(() => {});
    progress.stop();
  }
}

function whole(most: number) {
  return (value: string): number => {
    if (!/^\d{1,9}$/.test(value) || Number(value) > most) {
      throw new InvalidArgumentError(`expected a whole number from 0 to ${most}.`);
    }
    return Number(value);
  };
}
