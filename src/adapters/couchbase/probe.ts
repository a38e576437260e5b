import { createSilentLogger } from '../../telemetry/logger.ts';
import { type ConnectionOptions, connectOnce, toReason } from './connection.ts';

export interface CouchbaseFacts {
  /** Median time of a read, in milliseconds. */
  readonly readMs: number;
  readonly writeMs: number;
}

/** Gone a second later. */
const probeKey = 'tallygate:doctor';
const reads = 9;

/** Connects, writes one short-lived document and reads it. Rejects with a sentence that says what is in the way. */
export async function probeCouchbase(
  options: Omit<ConnectionOptions, 'logger'>,
  timeoutMs: number,
): Promise<CouchbaseFacts> {
  const sdk = await import('couchbase');
  const full = { ...options, logger: createSilentLogger() };
  try {
    const { collection, close } = await connectOnce(sdk, full);
    try {
      const writeMs = await time(() =>
        collection.upsert(probeKey, Buffer.from('probe'), { timeout: timeoutMs, expiry: 1 }),
      );
      const times: number[] = [];
      // One after the other: side by side they would wait for each other.
      for (let i = 0; i < reads; i++)
        times.push(await time(() => collection.get(probeKey, { timeout: timeoutMs }).catch(unlessAbsent)));
      return { writeMs, readMs: times.toSorted((a, b) => a - b)[reads >> 1] as number };
    } finally {
      await close();
    }
  } catch (cause) {
    throw new Error(toReason(sdk, full, cause), { cause });
  }

  function unlessAbsent(cause: unknown): void {
    if (!(cause instanceof sdk.DocumentNotFoundError)) throw cause;
  }
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
