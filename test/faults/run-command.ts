import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from './child.ts';

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** A command of Tallygate to its end, two minutes at most. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'src/bin.cjs'), ...args],
      { env: { ...inherited, LOG_LEVEL: 'warn', ...env }, timeout: 120_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, output: `${stdout}${stderr}` });
      },
    );
  });
}
