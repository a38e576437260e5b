import { Command } from 'commander';
import { TallygateError } from '../errors.ts';
import { fromLogPartition, laneNames, type Stream, toStreamOf } from '../events/position.ts';
import { type Bound, type Bounds, isWithin } from '../ingest/audit/bounds.ts';
import { findOffset, readReceivedAt } from '../ingest/find-offset.ts';
import { readEpoch, readLastCompleted } from '../ingest/ledger.ts';
import { type Restored, restoreRange } from '../ingest/restore.ts';
import type { PartitionState } from '../ports/event-log.ts';
import { parseBound, parseLane, parsePartition } from './store/bounds.ts';
import type { OpenStore, StoreCommandDeps } from './store/open-store.ts';
import { runOnStore, type StoreRun } from './store/run-on-store.ts';

interface Flags extends Bounds {
  readonly available?: boolean;
  readonly dryRun?: boolean;
}

interface ReplayOptions extends Bounds {
  readonly isDry: boolean;
  /** Go on with what the log has, where it no longer has the beginning. */
  readonly isAvailable: boolean;
}

const exitCodes = { done: 0, failed: 1, gone: 3 } as const;
/** Gateways do not append in the order of their clocks: so much more on both sides of a time, in milliseconds. */
const slackMs = 60_000;
const progressMs = 2000;

/** `tallygate replay`. The exit code goes to `onExitCode`: 0 done, 1 failed or stopped, 3 done but for what the log has no more. */
export function createReplayCommand(deps: StoreCommandDeps): Command {
  return new Command('replay')
    .description('puts rows that are missing from the tables back, from the log. Safe to run again, and beside sinks')
    .option('--from <time or position>', 'what was received since then, or from partition:offset on', parseBound)
    .option('--to <time or position>', 'what was received until then, or up to partition:offset', parseBound)
    .option('--partition <number>', 'one partition', parsePartition)
    .option('--lane <lane>', 'live or history', parseLane)
    .option('--available', 'go on where the log no longer has the beginning')
    .option('--dry-run', 'say what would be put back')
    .action(async (flags: Flags) => deps.onExitCode(await runReplay(flags, deps)));
}

function runReplay({ available, dryRun, ...bounds }: Flags, deps: StoreCommandDeps): Promise<number> {
  const command = { name: 'replay', failed: exitCodes.failed, hint: '; run it again to go on' };
  return runOnStore(command, deps, async (run) => {
    const gone = await replay(run, { ...bounds, isDry: dryRun === true, isAvailable: available === true });
    if (run.signal?.aborted) throw new TallygateError('CANCELLED', 'stopped before the end');
    return gone > 0 ? exitCodes.gone : exitCodes.done;
  });
}

async function replay({ store, signal, print, say }: StoreRun, options: ReplayOptions): Promise<number> {
  const { log, warehouse, group } = store;
  const epoch = await readEpoch(warehouse);
  const states = await log.inspect(group);
  // All ranges first: what is refused is refused before anything is changed.
  const ranges: {
    readonly logPartition: number;
    readonly stream: Stream;
    readonly first: number;
    readonly last: number;
  }[] = [];
  for (const [logPartition, state] of states.entries()) {
    const stream = toStreamOf(epoch, logPartition);
    if (!isWithin(options, stream)) continue;
    const range = await toRange(store, options, { logPartition, stream, state });
    if (range) ranges.push({ logPartition, stream, ...range });
  }
  if (ranges.length === 0) print('nothing of this was stored: there is nothing to put back');
  let gone = 0;
  let lastSaid = Date.now();
  for (const range of ranges) {
    if (signal?.aborted) break;
    const restored = await restoreRange(
      {
        ...store,
        isDry: options.isDry,
        ...(signal ? { signal } : {}),
        onBlock: (_, next) => {
          if (Date.now() - lastSaid < progressMs) return;
          lastSaid = Date.now();
          say(`${toName(range.logPartition)}: at ${Math.min(next - 1, range.last)} of ${range.last}`);
        },
      },
      range,
    );
    gone += restored.gone;
    print(
      `${toName(range.logPartition)}, positions ${range.first} to ${range.last}: ${toText(restored, options.isDry)}`,
    );
  }
  return gone;
}

/** What of the asked range was stored once; null when nothing was. */
async function toRange(
  { log, warehouse }: OpenStore,
  { from, to, isAvailable }: ReplayOptions,
  {
    logPartition,
    stream,
    state,
  }: { readonly logPartition: number; readonly stream: Stream; readonly state: PartitionState },
): Promise<{ readonly first: number; readonly last: number } | null> {
  const { begin, end, committed } = state;
  const completed = (await readLastCompleted(warehouse, stream))?.last ?? -1;
  // A range that is open is the sink's: it is being stored, or will be replayed by the one that comes.
  const stored = committed?.end != null ? committed.next - 1 : Math.max((committed?.next ?? 0) - 1, completed);
  const last = Math.min(
    stored,
    end - 1,
    !to ? stored : 'at' in to ? (await findOffset(log, logPartition, state, to.at + slackMs)) - 1 : to.offset,
  );
  const wanted = !from
    ? begin
    : 'at' in from
      ? await findOffset(log, logPartition, state, from.at - slackMs)
      : from.offset;
  await assertThere(wanted, from, last);
  const first = Math.max(wanted, begin);
  return first <= last ? { first, last } : null;

  async function assertThere(offset: number, bound: Bound | undefined, upTo: number): Promise<void> {
    if (isAvailable || begin === 0 || !bound || upTo < 0) return;
    const has = `the log begins at ${begin}`;
    const hint = 'restore them from a backup, or go on with the rest by --available';
    if (offset < begin && offset <= upTo)
      throw new TallygateError(
        'INVALID_RANGE',
        `expected positions from ${offset} on of ${toName(logPartition)}; ${has}, and no longer has ${offset} to ${Math.min(begin - 1, upTo)}: ${hint}`,
      );
    if (!('at' in bound)) return;
    const oldest = await readReceivedAt(log, logPartition, begin, end - 1);
    if (oldest !== null && oldest.receivedAt > bound.at)
      throw new TallygateError(
        'INVALID_RANGE',
        `expected what was received from ${new Date(bound.at).toISOString()} on of ${toName(logPartition)}; ${has}, received at ${new Date(oldest.receivedAt).toISOString()}, and no longer has 0 to ${begin - 1}: ${hint}`,
      );
  }
}

function toName(logPartition: number): string {
  const { lane, partition } = fromLogPartition(logPartition);
  return `${laneNames[lane]} partition ${partition}`;
}

function toText(
  { events, deadLetters, repeats, gone, rollupRows, edges, ranges, positions }: Restored,
  isDry: boolean,
): string {
  const verb = isDry ? 'would put back' : 'put back';
  const parts = [
    `${events} events`,
    `${deadLetters} dead letters`,
    `${repeats} repeats`,
    ...(rollupRows > 0 ? [`${rollupRows} rows of the rollup`] : []),
    ...(edges > 0 ? [`${edges} edges of identity`] : []),
    ...(ranges > 0 ? [`${ranges} ranges of the ledger`] : []),
  ];
  const lost = gone > 0 ? `; ${gone} positions are neither in the tables nor in the log` : '';
  return `${verb} ${parts.join(', ')}; looked at ${positions}${lost}`;
}
