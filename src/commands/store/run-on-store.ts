import { isTallygateError, toMessage } from '../../errors.ts';
import type { OpenStore, StoreCommandDeps } from './open-store.ts';

/** What a command works with: a store that is closed when it ends, and where it writes. */
export interface StoreRun {
  readonly store: OpenStore;
  readonly signal: AbortSignal | undefined;
  readonly print: (line: string) => void;
  readonly say: (line: string) => void;
}

interface Command {
  readonly name: string;
  /** Exit code of a failure. */
  readonly failed: number;
  /** Added to a failure that may pass. */
  readonly hint?: string;
}

/** Opens the store, runs, closes. A failure is one line, and its exit code. */
export async function runOnStore(
  { name, failed, hint = '' }: Command,
  { openStore, signal, stdout = process.stdout, stderr = process.stderr }: StoreCommandDeps,
  run: (run: StoreRun) => Promise<number>,
): Promise<number> {
  const say = (line: string) => void stderr.write(`${line}\n`);
  let store: OpenStore | undefined;
  try {
    store = await openStore();
    return await run({ store, signal, print: (line) => void stdout.write(`${line}\n`), say });
  } catch (thrown) {
    const mayPass = isTallygateError(thrown) && thrown.retriable;
    say(`${name}: ${toMessage(thrown)}${mayPass ? hint : ''}`);
    return failed;
  } finally {
    await store?.close();
  }
}
