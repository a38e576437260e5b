import type { Config } from '../../config.ts';
import { type Finding, ok, toReason, warning, withinMs } from './finding.ts';

/** Reads that take longer are given up by the cache, and the report is computed. */
const slowMs = 25;
/** Longest time of all that is asked. */
const mostMs = 4000;

/** A cache is never needed: what is wrong with it is a warning. */
export async function checkCache(config: Config, url: string, timeoutMs: number): Promise<Finding> {
  const about = 'Couchbase';
  try {
    const { probeCouchbase } = await import('../../adapters/couchbase/probe.ts');
    const { COUCHBASE_BUCKET: bucket, COUCHBASE_SCOPE: scope, COUCHBASE_COLLECTION: collection } = config;
    const { COUCHBASE_USER: user, COUCHBASE_PASSWORD: password } = config;
    const { readMs } = await withinMs(
      mostMs,
      probeCouchbase({ url, user, password, bucket, scope, collection }, timeoutMs),
    );
    const place = `bucket "${bucket}", ${scope}.${collection}`;
    return readMs > slowMs
      ? warning(about, `${place}: a read takes ${readMs.toFixed(0)} ms, so many will be given up. Bring it nearer`)
      : ok(about, `${place} can be written and read, a read takes ${readMs.toFixed(1)} ms`);
  } catch (thrown) {
    return warning(about, `${toReason(thrown)}. Reports go on without it, only more slowly`);
  }
}
