import { Command } from 'commander';
import { TallygateError } from '../errors.ts';
import { historyLane, toStreamParts } from '../events/position.ts';
import type { Sighting } from '../ingest/audit/counted-twice.ts';
import { type DedupeOptions, dedupe } from '../ingest/dedupe.ts';
import { parseBound, parseLane, parsePartition } from './store/bounds.ts';
import type { StoreCommandDeps } from './store/open-store.ts';
import { runOnStore } from './store/run-on-store.ts';

interface Flags extends DedupeOptions {
  readonly dryRun?: boolean;
}

const exitCodes = { done: 0, failed: 1, skipped: 3 } as const;
/** Events that a dry run names. */
const shown = 100;

/** `tallygate dedupe`. The exit code goes to `onExitCode`: 0 done, 1 failed or stopped, 3 done but for what had to be left alone. */
export function createDedupeCommand(deps: StoreCommandDeps): Command {
  return new Command('dedupe')
    .description(
      'takes out events whose messageId came again when the window of repeats had forgotten it; the first one stays',
    )
    .option('--project <name>', 'one project')
    .option(
      '--from <time or position>',
      'take out what was received since then, or from partition:offset on',
      parseBound,
    )
    .option('--to <time or position>', 'take out what was received until then, or up to partition:offset', parseBound)
    .option('--partition <number>', 'take out of one partition', parsePartition)
    .option('--lane <lane>', 'take out of one lane, live or history', parseLane)
    .option('--dry-run', 'say what would be taken out')
    .action(async (flags: Flags) => deps.onExitCode(await runDedupe(flags, deps)));
}

function runDedupe({ dryRun, ...options }: Flags, deps: StoreCommandDeps): Promise<number> {
  const command = { name: 'dedupe', failed: exitCodes.failed, hint: '; run it again to go on' };
  return runOnStore(command, deps, async ({ store, signal, print }) => {
    const isDry = dryRun === true;
    let named = 0;
    const onRepeat = (repeat: Sighting, first: Sighting) => {
      if (++named <= shown) print(toLine(repeat, first));
    };
    const { events, doubled, skipped } = await dedupe(
      { ...store, isDry, ...(signal ? { signal } : {}), ...(isDry ? { onRepeat } : {}) },
      options,
    );
    if (named > shown) print(`and ${named - shown} more`);
    print(
      `${isDry ? 'would take out' : 'took out'} ${events} events that were sent twice, and the second rows of ${doubled} positions`,
    );
    for (const reason of skipped) print(`left alone: ${reason}`);
    if (signal?.aborted) throw new TallygateError('CANCELLED', 'stopped before the end');
    return skipped.size > 0 ? exitCodes.skipped : exitCodes.done;
  });
}

function toLine({ project, messageId, stream, offset, receivedAt }: Sighting, first: Sighting): string {
  const toPlace = (of: { readonly stream: number; readonly offset: number }) => {
    const { lane, partition } = toStreamParts(of.stream);
    return `${lane === historyLane ? 'history ' : ''}${partition}:${of.offset}`;
  };
  const at = (milliseconds: number) => new Date(milliseconds).toISOString();
  return `${project} ${messageId} at ${toPlace({ stream, offset })}, received ${at(receivedAt)}; first at ${toPlace(first)}, received ${at(first.receivedAt)}`;
}
