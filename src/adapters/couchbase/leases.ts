import type { Collection } from 'couchbase';
import type { Lease } from '../../ports/report-cache.ts';
import { type Lanes, type Outcome, runBatch } from './batch.ts';
import type { Connection } from './connection.ts';
import { parseFrame, toFrame } from './value-frame.ts';

interface LeaseCall {
  readonly leases: readonly Lease[];
  readonly connection: Connection;
  readonly lanes: Lanes;
  readonly timeoutMs: number;
}

type Tally<Answer extends string> = ReadonlyMap<Outcome<Answer>, number>;

const mostHolderBytes = 200;

/** A document for each lease, which the first one to insert it has. Leases that got no answer count as granted. */
export async function claimLeases(
  { leases, connection: { sdk, collection }, lanes, timeoutMs }: LeaseCall,
  ttlSeconds: number,
): Promise<{ granted: boolean[]; tally: Tally<'granted' | 'held'>; failure: unknown }> {
  const granted = leases.map(() => true);
  // Without jitter: this life is a promise to those who wait.
  const expiry = Math.max(1, Math.ceil(ttlSeconds));
  let failure: unknown;
  const tally = await runBatch<'granted' | 'held'>({
    size: leases.length,
    lanes,
    operationMs: timeoutMs,
    // A lease that somebody has takes three operations at most.
    wholeMs: timeoutMs * 2,
    async operate(nth, timeout) {
      const lease = leases[nth]!;
      try {
        await collection.insert(lease.key, toFrame(lease.key, Buffer.from(lease.holder)), { timeout, expiry });
        return 'granted';
      } catch (cause) {
        if (cause instanceof sdk.DocumentExistsError) return renew(lease, timeout).catch(fail);
        return fail(cause);
      }

      async function renew({ key, holder }: Lease, ms: number): Promise<'granted' | 'held'> {
        const known = await readHolder(collection, key, ms);
        // Bytes that nobody understands are nobody's.
        if (known.holder !== undefined && known.holder !== holder) {
          granted[nth] = false;
          return 'held';
        }
        await collection.touch(key, expiry, { timeout: ms });
        return 'granted';
      }
    },
  });
  // A copy: what comes late changes nothing that was answered.
  return { granted: [...granted], tally, failure };

  function fail(cause: unknown): 'granted' {
    // It ended in between: whoever asks again may have it.
    if (cause instanceof sdk.DocumentNotFoundError) return 'granted';
    failure = cause;
    throw cause;
  }
}

/** Removes those that the holder still has. */
export async function releaseLeases({
  leases,
  connection: { sdk, collection },
  lanes,
  timeoutMs,
}: LeaseCall): Promise<Tally<'released' | 'gone'>> {
  return runBatch<'released' | 'gone'>({
    size: leases.length,
    lanes,
    operationMs: timeoutMs,
    wholeMs: timeoutMs * 2,
    async operate(nth, timeout) {
      const { key, holder } = leases[nth]!;
      try {
        const known = await readHolder(collection, key, timeout);
        if (known.holder !== holder) return 'gone';
        await collection.remove(key, { cas: known.cas, timeout });
        return 'released';
      } catch (cause) {
        if (cause instanceof sdk.DocumentNotFoundError || cause instanceof sdk.CasMismatchError) return 'gone';
        throw cause;
      }
    },
  });
}

async function readHolder(collection: Collection, key: string, timeout: number) {
  const { content, cas } = await collection.get(key, { timeout });
  return { holder: parseFrame(key, content, mostHolderBytes)?.toString(), cas };
}
