import { xxh32 } from '@node-rs/xxhash';
import { isTallygateError, type TallygateError } from '../errors.ts';
import {
  type Arrival,
  type EventError,
  type EventInput,
  type EventKind,
  type JsonObject,
  limits,
} from '../events/event.ts';
import { parseEvent } from '../events/parse.ts';
import { historyLane, liveLane, toLogPartition, toPartitions, toStream } from '../events/position.ts';
import { encodeRecord, toRecordKey } from '../events/record.ts';
import { toConsistencyToken } from '../events/tokens.ts';
import type { EventLog, NewRecord } from '../ports/event-log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { withSpan } from '../telemetry/tracing.ts';
import type { Receipts } from './receipts.ts';

export type EventStatus = 'ACCEPTED' | 'REJECTED' | 'DEAD_LETTERED' | 'RETRY';

export interface EventReceipt {
  readonly index: number;
  readonly messageId: string;
  readonly status: EventStatus;
  readonly errors: readonly EventError[];
}

export interface Receipt {
  readonly results: readonly EventReceipt[];
  readonly token: string;
  /** Set when the log took nothing of what it should have taken. */
  readonly refusal: TallygateError | null;
}

export interface NewEvent {
  readonly kind: EventKind;
  readonly input: EventInput;
}

export interface Sender {
  readonly project: string;
  readonly keyId: string;
}

export type Lane = 'LIVE' | 'HISTORY';

interface Batch {
  readonly lane?: Lane | null | undefined;
  readonly sentAt?: Date | null | undefined;
  readonly context?: JsonObject | null | undefined;
}

export interface Tracker {
  /** Resolves when the log has every event that it takes on its disks. Never rejects for a bad event or a log that is away: see the receipt. */
  track(sender: Sender, events: readonly NewEvent[], batch?: Batch): Promise<Receipt>;
}

interface TrackerDeps {
  readonly log: EventLog;
  readonly metrics: Metrics;
  /** Counts what is answered; without it nothing is counted by minute. */
  readonly receipts?: Receipts | undefined;
  readonly retentionDays: number | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

interface Share {
  readonly records: NewRecord[];
  readonly indexes: number[];
}

/** The write path: parse, normalise, append, answer. */
export function createTracker({ log, metrics, receipts, retentionDays, clock = Date.now }: TrackerDeps): Tracker {
  const toPartition = (key: string): number => {
    const partitions = toPartitions(log.partitions());
    return partitions === 1 ? 0 : xxh32(key) % partitions;
  };

  /** A log with one partition has no lane for history. */
  const toLane = (wanted: Lane | null | undefined): number =>
    wanted === 'HISTORY' && log.partitions() > 1 ? historyLane : liveLane;

  const answer = async (
    sender: Sender,
    events: readonly NewEvent[],
    batch: Batch | undefined,
    arrival: Arrival,
  ): Promise<Receipt> => {
    const results: EventReceipt[] = new Array(events.length);
    const shares = new Map<number, Share>();
    let refusal: TallygateError | null = null;

    for (let index = 0; index < events.length; index++) {
      const { kind, input } = events[index] as NewEvent;
      const { messageId, event, errors } = parseEvent(kind, input, arrival, batch);
      if (event === null) {
        results[index] = { index, messageId, status: 'REJECTED', errors };
        continue;
      }
      const value = encodeRecord(event, arrival);
      if (value.length > limits.eventBytes) {
        results[index] = { index, messageId, status: 'REJECTED', errors: [eventTooLarge(value.length)] };
        continue;
      }
      const key = toRecordKey(sender.project, event.userId, event.anonymousId);
      let partition: number;
      try {
        partition = toPartition(key);
      } catch (thrown) {
        if (!isTallygateError(thrown)) throw thrown;
        refusal = thrown;
        results[index] = refused(index, messageId, thrown);
        continue;
      }
      results[index] = { index, messageId, status: event.dead ? 'DEAD_LETTERED' : 'ACCEPTED', errors };
      const share = shares.get(partition);
      if (share) {
        share.records.push({ key, value });
        share.indexes.push(index);
      } else shares.set(partition, { records: [{ key, value }], indexes: [index] });
    }

    const written = new Map<number, number>();
    const append = async (partition: number, { records, indexes }: Share) => {
      try {
        const lane = toLane(batch?.lane);
        const first = await withSpan('log append', { partition, records: records.length }, () =>
          log.append(log.partitions() === 1 ? 0 : toLogPartition(lane, partition), records),
        );
        written.set(toStream({ epoch: 0, lane, partition }), first + records.length - 1);
      } catch (thrown) {
        if (!isTallygateError(thrown)) throw thrown;
        refusal = thrown;
        for (const index of indexes)
          results[index] = refused(index, (results[index] as EventReceipt).messageId, thrown);
      }
    };
    if (shares.size === 1) for (const [partition, share] of shares) await append(partition, share);
    else await Promise.all([...shares].map(([partition, share]) => append(partition, share)));

    for (const { status, errors } of results) {
      metrics.eventsReceived.inc({ project: sender.project, status });
      for (const { code } of errors) metrics.eventsRejected.inc({ project: sender.project, code });
    }
    return { results, token: toConsistencyToken(written), refusal: written.size === 0 ? refusal : null };
  };

  return {
    async track(sender, events, batch) {
      const arrival: Arrival = { ...sender, receivedAt: clock(), retentionDays };
      const count = receipts?.open(sender, arrival.receivedAt);
      try {
        const receipt = await answer(sender, events, batch, arrival);
        count?.(receipt.results);
        return receipt;
      } finally {
        // Changes nothing when the answer was counted.
        count?.(null);
      }
    },
  };
}

function refused(index: number, messageId: string, error: TallygateError): EventReceipt {
  const code = error.code === 'LOG_OVERLOADED' ? 'LOG_OVERLOADED' : 'LOG_UNAVAILABLE';
  return { index, messageId, status: 'RETRY', errors: [{ code, path: [], message: error.message }] };
}

function eventTooLarge(bytes: number): EventError {
  return {
    code: 'EVENT_TOO_LARGE',
    path: [],
    message: `expected an event of at most ${limits.eventBytes} bytes, got ${bytes}`,
  };
}
