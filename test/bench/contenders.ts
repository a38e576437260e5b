import { join } from 'node:path';
import { credentials } from './operations.ts';
import { type Options, type Table, toNumber } from './report.ts';
import { type Contender, type Figure, runRounds, toSpread } from './rounds.ts';
import { readMetric, type Service, startService, untilStored } from './service.ts';
import { readCpuSeconds, startWorker, type Worker } from './worker.ts';
import type { ServeJob, Serving } from './workers/http-server.ts';
import type { Load, LoadJob } from './workers/load.ts';

/** Servers share this core, one of them at a time; the load generator has the other one. Other programs may be on both. */
export const serverCore = 0;
export const loadCore = 1;

export interface LoadFigure extends Figure {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface LoadShape {
  readonly connections: number;
  readonly seconds: number;
  readonly eventsPerRequest: number;
  /** Bodies of a round. Our own service must not answer more: a messageId that comes again is another story. */
  readonly requests: number;
}

type Loader = Worker<LoadJob, Load>;

interface Server extends Serving {
  stop(): Promise<void>;
}

export async function startServer(kind: ServeJob['kind'], dir: string): Promise<Server> {
  const worker = startWorker<ServeJob, Serving>('http-server.ts', {
    core: serverCore,
    env: { ...credentials, DATA_DIR: join(dir, kind), UV_THREADPOOL_SIZE: '16' },
  });
  try {
    return { ...(await worker.run({ kind })), stop: worker.stop };
  } catch (thrown) {
    await worker.stop();
    throw thrown;
  }
}

let loads = 0;

/** One round against one server. What `settle` waits for is work of this round: its CPU counts. */
export async function runLoad(
  loader: Loader,
  { url, pid }: Serving,
  shape: LoadShape,
  settle: () => Promise<unknown> = async () => {},
): Promise<LoadFigure & { readonly repeated: boolean }> {
  const cpu = readCpuSeconds(pid);
  const idPrefix = `${Date.now().toString(36)}${loads++}`;
  const { requestsPerSecond, requests, errors, p50, p99, repeated } = await loader.run({ ...shape, url, idPrefix });
  if (errors > 0) throw new Error(`expected ${url} to answer every request with 200, got ${errors} other outcomes`);
  await settle();
  const used = readCpuSeconds(pid) - cpu;
  return {
    rate: requestsPerSecond * shape.eventsPerRequest,
    ratePerCpu: used > 0 ? (requests * shape.eventsPerRequest) / used : Number.NaN,
    p50,
    p99,
    repeated,
  };
}

/** A round against the whole service; it stands still while others have theirs. */
async function runServiceLoad(loader: Loader, service: Service, shape: LoadShape): Promise<LoadFigure> {
  service.thaw();
  const figure = await runLoad(loader, service, shape, () => untilStored(service.url, service.url, 120_000));
  if (figure.repeated) throw new Error(`expected at most ${shape.requests} answers in a round, got more`);
  const events = await readMetric(service.url, 'tallygate_events_total');
  const accepted = await readMetric(service.url, 'tallygate_events_total', 'status="ACCEPTED"');
  if (events !== accepted) throw new Error(`expected every event to be accepted, ${events - accepted} were not`);
  service.freeze();
  return figure;
}

/** Rounds of the same load against each server of the line-up; `serve` is the whole service with embedded backends. */
export async function compareServers(
  lineUp: Readonly<Record<string, ServeJob['kind'] | 'serve'>>,
  shape: LoadShape,
  rounds: number,
  { dir, profileDir, say }: Options,
): Promise<Record<string, LoadFigure[]>> {
  const started: { stop(): Promise<void> }[] = [];
  const remember = <T extends { stop(): Promise<void> }>(each: T): T => {
    started.push(each);
    return each;
  };
  try {
    const loader = remember(startWorker<LoadJob, Load>('load.ts', { core: loadCore }));
    const contenders: Record<string, Contender<LoadFigure>> = {};
    for (const [name, kind] of Object.entries(lineUp)) {
      if (kind === 'serve') {
        const service = remember(await startService({ role: 'serve', dir, core: serverCore, profileDir }));
        contenders[name] = () => runServiceLoad(loader, service, shape);
      } else {
        const server = remember(await startServer(kind, dir));
        contenders[name] = () => runLoad(loader, server, shape);
      }
    }
    return await runRounds(contenders, { rounds, say });
  } finally {
    await Promise.allSettled(started.map((each) => each.stop()));
  }
}

/** Table rows in milliseconds: the middle of the rounds. */
export function toLatencyTable(figures: Readonly<Record<string, readonly LoadFigure[]>>): Table {
  return {
    head: ['Milliseconds', 'p50', 'p99', 'worst p99 of a round'],
    rows: Object.entries(figures).map(([name, each]) => [
      name,
      toNumber(toSpread(each.map(({ p50 }) => p50)).median),
      toNumber(toSpread(each.map(({ p99 }) => p99)).median),
      toNumber(toSpread(each.map(({ p99 }) => p99)).max),
    ]),
  };
}
