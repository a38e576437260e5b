import { Command } from 'commander';
import { laneNames } from '../events/position.ts';
import type { Bounds } from '../ingest/audit/bounds.ts';
import type { AuditFinding } from '../ingest/audit/finding.ts';
import { type AuditReport, runAudit } from '../ingest/audit/run-audit.ts';
import { parseBound, parseLane, parsePartition } from './store/bounds.ts';
import type { StoreCommandDeps } from './store/open-store.ts';
import { runOnStore } from './store/run-on-store.ts';

interface Flags extends Bounds {
  readonly deep?: boolean;
  readonly json?: boolean;
}

const exitCodes = { clean: 0, findings: 1, failed: 2 } as const;
const shown = 200;
const settleMs = 1500;

/** `tallygate verify`. The exit code goes to `onExitCode`: 0 nothing found, 1 findings, 2 it could not look. */
export function createVerifyCommand(deps: StoreCommandDeps): Command {
  return new Command('verify')
    .description('compares log, commits, ledger, tables and rollup, and says what is missing, doubled or wrong')
    .option('--partition <number>', 'one partition', parsePartition)
    .option('--lane <lane>', 'live or history', parseLane)
    .option('--from <time or position>', 'what was received since then, or from partition:offset on', parseBound)
    .option('--to <time or position>', 'what was received until then, or up to partition:offset', parseBound)
    .option('--deep', 'compare each record that the log still has with its row, not a sample')
    .option('--json', 'print one JSON document')
    .action(async (flags: Flags) => deps.onExitCode(await verify(flags, deps)));
}

function verify({ deep, json, ...bounds }: Flags, deps: StoreCommandDeps): Promise<number> {
  return runOnStore({ name: 'verify', failed: exitCodes.failed }, deps, async ({ store, signal, print }) => {
    const report = await runAudit(
      { ...store, settleMs, ...(signal ? { signal } : {}) },
      { ...bounds, isDeep: deep === true },
    );
    print(json ? JSON.stringify(toJson(report), null, 2) : toLines(report));
    return report.findings.length === 0 ? exitCodes.clean : exitCodes.findings;
  });
}

function toJson({ findings, streams, later }: AuditReport) {
  return { ok: findings.length === 0, findings, streams, repeatsBeyondWindow: later };
}

function toLines({ findings, streams, later }: AuditReport): string {
  const positions = streams.reduce((sum, each) => sum + each.positions, 0);
  const compared = streams.reduce((sum, each) => sum + each.compared, 0);
  const lines = findings.slice(0, shown).map(toLine);
  if (findings.length > shown) lines.push(`and ${findings.length - shown} more: --json has all of them`);
  if (later > 0)
    lines.push(
      `${later} events came again later than the window of repeats remembers: "tallygate dedupe" removes them`,
    );
  lines.push(
    `${findings.length === 1 ? '1 finding' : `${findings.length} findings`}; ${positions} positions of ${streams.length} streams, ${compared} of them compared with the log`,
  );
  return lines.join('\n');
}

function toLine({ kind, stream, first, last, expected, got, todo }: AuditFinding): string {
  const where = `epoch ${stream.epoch} ${laneNames[stream.lane] ?? stream.lane} partition ${stream.partition}`;
  const range = first === last ? `position ${first}` : `positions ${first} to ${last}`;
  return `${kind.padEnd(17)} ${where}, ${range}\n  expected ${expected}\n  got      ${got}\n  do       ${todo}`;
}
