import type { Command } from 'commander';
import type { OpenStore, StoreCommandDeps } from '../../src/commands/store/open-store.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** Runs a command that works on a store, on one that is open already. */
export async function runOn(
  { log, warehouse }: Pick<OpenStore, 'log' | 'warehouse'>,
  create: (deps: StoreCommandDeps) => Command,
  args: readonly string[],
  more: Partial<OpenStore> = {},
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let code = -1;
  const command = create({
    openStore: async () => ({
      log,
      warehouse,
      metrics: createMetrics(),
      logger: createSilentLogger(),
      group: 'sink',
      windowHours: 24,
      close: async () => {},
      ...more,
    }),
    onExitCode: (given) => {
      code = given;
    },
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
  });
  await command.exitOverride().parseAsync(args, { from: 'user' });
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}
