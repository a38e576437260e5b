import { toMessage } from '../../errors.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { findWrongRanges } from './balance.ts';

export interface BalanceWatch {
  /** Looks now; resolves with the number of ranges that do not add up. */
  look(): Promise<number>;
  stop(): void;
}

interface BalanceWatchDeps {
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: () => number;
}

const everyMs = 30_000;
/** What was completed this long ago is looked at again, since a ledger can be damaged afterwards, too. */
const usualMs = 15 * 60_000;
/** What is wrong is looked at until it is mended, or this old: then only `ingestion` and `tallygate verify` tell of it. */
const longestMs = 24 * 3_600_000;

/** Tells by a metric whether the ledger of late adds up. */
export function createBalanceWatch({ warehouse, metrics, logger, clock }: BalanceWatchDeps): BalanceWatch {
  /** When the oldest range that is known to be wrong was completed. */
  let oldestWrong = Number.POSITIVE_INFINITY;
  let known = 0;

  const look = async () => {
    const now = clock();
    const from = Math.max(now - longestMs, Math.min(now - usualMs, oldestWrong));
    // The warehouse's clock may be ahead of ours.
    const wrong = await findWrongRanges(warehouse, { from, to: now + longestMs }, { lane: 'ledger' });
    metrics.ledgerUnbalanced.set(wrong.length);
    if (wrong.length > known)
      logger.error(
        { ranges: wrong.length, example: wrong[0] },
        'the ledger does not add up: "tallygate verify" tells which records are missing or there twice',
      );
    known = wrong.length;
    oldestWrong = wrong.reduce((oldest, { completedAt }) => Math.min(oldest, completedAt), Number.POSITIVE_INFINITY);
    return wrong.length;
  };

  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    await look().catch((thrown) => logger.debug({ error: toMessage(thrown) }, 'the ledger could not be judged'));
    looking = false;
  }, everyMs);
  timer.unref();

  return { look, stop: () => clearInterval(timer) };
}
