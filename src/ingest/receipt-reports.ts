import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { toMessage } from '../errors.ts';
import { toStoredTime } from '../events/record.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Receipts } from './receipts.ts';

/**
 * Writes into the warehouse what a gateway counted: see the table `receipts`. It has no say in tracking: while the
 * warehouse is away the counts wait, bounded, and the time that no report speaks for is known to be incomplete.
 */
export interface ReceiptReports {
  /** The last report, which says that this life ended in order; gives up after the deadline in milliseconds. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
}

interface ReceiptReportsDeps {
  readonly receipts: Receipts;
  readonly warehouse: Warehouse;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** How often what was counted is told, in milliseconds. */
  readonly everyMs?: number;
}

/** How often a gateway that has nothing to tell says that it is there, in milliseconds. */
const idleMs = 60_000;
/** How long the start waits for the first report, in milliseconds. */
const firstReportMs = 1000;

interface Report {
  readonly lines: Buffer;
  readonly token: string;
}

/** Begins a life; resolves when the table knows of it, or after a second. */
export async function startReceiptReports({
  receipts,
  warehouse,
  logger,
  clock = Date.now,
  everyMs = 10_000,
}: ReceiptReportsDeps): Promise<ReceiptReports> {
  const life = randomBytes(8).readBigUInt64BE().toString();
  const began = clock();
  let coveredTo = began;
  let number = 0;
  let reportedAt = Number.NEGATIVE_INFINITY;
  /** What was taken and is not known to be stored. Its token makes a second try safe. */
  let pending: Report | null = toReport({ life, number: number++, from: began, to: began, ended: false });
  let sending: Promise<void> | null = null;
  let warned = false;

  const takeReport = (ended: boolean): Report | null => {
    const now = clock();
    const { counts, coversTo, lost } = receipts.take(now);
    if (!ended && counts.length === 0 && lost === null && now - reportedAt < idleMs) return null;
    if (lost !== null)
      logger.warn(
        { from: new Date(lost.from), to: new Date(lost.to) },
        'threw away counts of receipts: too many waited',
      );
    const from = coveredTo;
    coveredTo = Math.max(coveredTo, coversTo);
    return toReport({ life, number: number++, from, to: coveredTo, ended, lost }, counts);
  };

  const send = async (report: Report) => {
    await warehouse.insert('receipts', report.lines, { token: report.token });
    pending = null;
    reportedAt = clock();
    warned = false;
  };

  const tell = async (): Promise<void> => {
    try {
      if (pending) await send(pending);
      pending = takeReport(false);
      if (pending) await send(pending);
    } catch (thrown) {
      if (!warned) logger.warn({ error: toMessage(thrown) }, 'cannot report what was received; trying again');
      warned = true;
    }
  };

  const next = (): Promise<void> => {
    sending ??= tell().finally(() => {
      sending = null;
    });
    return sending;
  };

  await Promise.race([next(), sleep(firstReportMs, undefined, { ref: false })]);
  const timer = setInterval(next, everyMs);
  timer.unref();

  const end = async () => {
    await sending;
    if (pending) await send(pending);
    pending = takeReport(true);
    if (pending) await send(pending);
  };

  let stopped: Promise<void> | null = null;
  return {
    stop(deadlineMs) {
      clearInterval(timer);
      stopped ??= Promise.race([
        end().catch((thrown) =>
          logger.warn({ error: toMessage(thrown) }, 'the last report of what was received could not be written'),
        ),
        sleep(deadlineMs, undefined, { ref: false }),
      ]);
      return stopped;
    },
  };
}

interface Head {
  readonly life: string;
  readonly number: number;
  readonly from: number;
  readonly to: number;
  readonly ended: boolean;
  readonly lost?: { readonly from: number; readonly to: number } | null;
}

function toReport(
  { life, number, from, to, ended, lost }: Head,
  counts: ReturnType<Receipts['take']>['counts'] = [],
): Report {
  const head = {
    life,
    number,
    outcome: 'report',
    project: '',
    key_id: '',
    minute: toStoredMinute(to),
    code: '',
    events: 0,
    covers_from: toStoredTime(from),
    covers_to: toStoredTime(to),
    lost_from: toStoredTime(lost?.from ?? 0),
    lost_to: toStoredTime(lost?.to ?? 0),
    ended,
  };
  const rows = counts.map(({ project, keyId, minute, outcome, code, events }) => ({
    life,
    number,
    outcome,
    project,
    key_id: keyId,
    minute: toStoredMinute(minute),
    code,
    events,
  }));
  const lines = [head, ...rows].map((row) => `${JSON.stringify(row)}\n`).join('');
  return { lines: Buffer.from(lines), token: `receipts:${life}:${number}` };
}

function toStoredMinute(milliseconds: number): string {
  return `${toStoredTime(milliseconds).slice(0, 17)}00`;
}
