import { isTallygateError, TallygateError, toMessage } from '../../errors.ts';

/** kafkajs wraps what went wrong several times; the broker's error code is on the innermost. */
export function toProtocolType(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { type } = error as { type?: unknown };
    if (typeof type === 'string') return type;
  }
  return undefined;
}

/** Whether the broker has said that another try would fail as well. */
export function isFinal(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { type, retriable } = error as { type?: unknown; retriable?: unknown };
    if (typeof type === 'string') return retriable === false;
  }
  return false;
}

const notLeader = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION']);

/** Whether nobody has answered as the leader of the partition. Another one of its answers is about what was sent. */
export function isUnanswered(thrown: unknown): boolean {
  const type = toProtocolType(thrown);
  return type === undefined || notLeader.has(type);
}

const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

export function toLogError(thrown: unknown, doing: string): TallygateError {
  if (isTallygateError(thrown)) return thrown;
  const type = toProtocolType(thrown);
  if (type && tooLarge.has(type)) {
    return new TallygateError('PAYLOAD_TOO_LARGE', 'expected records that the broker takes at once, got more bytes', {
      cause: thrown,
    });
  }
  return new TallygateError('LOG_UNAVAILABLE', `Kafka failed at ${doing}: ${type ?? toMessage(thrown)}`, {
    cause: thrown,
    retryAfterMs: 1000,
  });
}

/** Rejects with LOG_UNAVAILABLE when the work takes longer; the work itself goes on. */
export async function withinMs<Result>(ms: number, doing: string, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new TallygateError('LOG_UNAVAILABLE', `Kafka has not answered for ${ms} ms: ${doing}`, { retryAfterMs: 1000 }),
      );
    }, ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
