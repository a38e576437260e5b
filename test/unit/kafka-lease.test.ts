import { createFeed } from '../../src/adapters/kafka/batch-feed.ts';
import { parseCommit, toMetadata } from '../../src/adapters/kafka/commit-metadata.ts';
import { toLogError, toProtocolType } from '../../src/adapters/kafka/failures.ts';
import { toBeginning } from '../../src/adapters/kafka/group-commits.ts';
import { createLease } from '../../src/adapters/kafka/lease.ts';
import { toLogRecord } from '../../src/adapters/kafka/log-record.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';

const logger = createSilentLogger();
const limits = { maxRecords: 100, maxBytes: 100_000, lingerMs: 0, waitMs: 0 };

function create(next = 0, bufferBytes = 100) {
  let rooms = 0;
  const lease = createLease({
    partition: 0,
    committed: { next, end: null },
    stopping: new AbortController().signal,
    bufferBytes,
    commit: async () => undefined,
    onRoom: () => rooms++,
  });
  return { lease, rooms: () => rooms };
}

const record = (offset: number, size = 10) => toLogRecord(offset, Buffer.alloc(size));

describe('a lease', () => {
  test('asks for a pause when its buffer is full, and for more when half of it is free', async () => {
    const { lease, rooms } = create();
    expect(lease.offer([record(0), record(1)])).toBe(true);
    expect(lease.offer([record(2, 90)])).toBe(false);
    expect(lease.wanted()).toBe(3);
    expect((await lease.take({ ...limits, maxRecords: 1 })).map((r) => r.offset)).toEqual([0]);
    expect(rooms()).toBe(0);
    expect((await lease.take(limits)).map((r) => r.offset)).toEqual([1, 2]);
    expect(rooms()).toBe(1);
  });

  test('empties its buffer while a take lingers, so that more than a buffer can be taken', async () => {
    const { lease, rooms } = create();
    const taking = lease.take({ ...limits, maxRecords: 6, lingerMs: 5000, waitMs: 5000 });
    for (let offset = 0; offset < 6; offset++) {
      expect(lease.offer([record(offset, 99)])).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await taking).length).toBe(6);
    expect(rooms()).toBe(0);
  });

  test('that is lost hands out nothing more, also to a take that waits', async () => {
    const { lease } = create();
    const taking = lease.take({ ...limits, waitMs: 5000 });
    lease.lose();
    await expect(taking).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await expect(lease.commit({ next: 0, end: null })).rejects.toMatchObject({ code: 'LEASE_LOST' });
  });
});

describe('fetched batches', () => {
  function batchOf(...offsets: number[]) {
    const messages = offsets.map((offset) => ({ offset: String(offset), value: Buffer.from(`${offset}`) }));
    const last = String(offsets.at(-1));
    return { partition: 0, messages, lastOffset: () => last } as unknown as Parameters<
      ReturnType<typeof createFeed>
    >[1];
  }

  test('are handed out once and in order, whatever fetch they came with', async () => {
    const { lease } = create(3, 1000);
    const seeks: number[] = [];
    const resolved: string[] = [];
    const feed = createFeed({ logger, pause: () => undefined, seek: (_, offset) => seeks.push(offset) });
    const give = (...offsets: number[]) => feed(lease, batchOf(...offsets), (offset) => resolved.push(offset));
    give(2, 3, 4);
    give(3, 4, 5);
    give(4, 5);
    // A late fetch of an older lease: asked for again, not taken.
    give(9, 10);
    expect(seeks).toEqual([6]);
    give(6, 7);
    expect((await lease.take(limits)).map((r) => r.offset)).toEqual([3, 4, 5, 6, 7]);
    // The same gap twice is a gap of the log.
    give(12, 13);
    give(12, 13);
    expect(seeks).toEqual([6, 8]);
    expect((await lease.take(limits)).map((r) => r.offset)).toEqual([12, 13]);
    expect(resolved).toEqual(['4', '5', '5', '7', '13']);
  });
});

describe('what stands beside a committed offset', () => {
  test('comes back as it was', () => {
    for (const commit of [
      { next: 4, end: null },
      { next: 4, end: 4 },
      { next: 4, end: 900 },
    ]) {
      expect(parseCommit(1, '4', toMetadata(commit))).toEqual(commit);
    }
    expect(parseCommit(1, '-1', '')).toBeUndefined();
    expect(parseCommit(1, '4', null)).toEqual({ next: 4, end: null });
  });

  test.each(['{"v":2,"end":9}', '{"v":1,"end":3}', '{"v":1}', 'null', '7', 'something else'])(
    'is refused: %s',
    (metadata) => {
      const sentence = `expected the commit of partition 1 as {"v":1,"end":...}, got ${JSON.stringify(metadata)} at offset 4`;
      expect(() => parseCommit(1, '4', metadata)).toThrow(sentence);
    },
  );
});

describe('a lease begins', () => {
  const range = { begin: 10, end: 20 };
  test.each([
    [undefined, { next: 10, end: null }],
    [
      { next: 10, end: null },
      { next: 10, end: null },
    ],
    [
      { next: 20, end: null },
      { next: 20, end: null },
    ],
    [
      { next: 12, end: 19 },
      { next: 12, end: 19 },
    ],
    [
      { next: 4, end: null },
      { next: 10, end: null },
    ],
    [
      { next: 4, end: 9 },
      { next: 10, end: null },
    ],
  ])('%j -> %j', (commit, expected) => {
    expect(toBeginning(0, commit, range, logger)).toEqual(expected);
  });
  test.each([
    [{ next: 21, end: null }, 'was the topic made anew?'],
    [{ next: 12, end: 20 }, 'was the topic made anew?'],
    [{ next: 4, end: 10 }, 'expected the open range to be kept'],
  ])('%j is refused', (commit, sentence) => {
    expect(() => toBeginning(0, commit, range, logger)).toThrow(sentence);
  });
});

test("an error of kafkajs is known by the broker's own code, however deep it is wrapped", () => {
  const inner = Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' });
  const wrapped = new Error('retries exceeded', { cause: new Error('wrapped', { cause: inner }) });
  expect(toProtocolType(wrapped)).toBe('MESSAGE_TOO_LARGE');
  expect(toLogError(wrapped, 'sending')).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', retriable: false });
  expect(toLogError(new Error('Closed connection'), 'sending')).toMatchObject({
    code: 'LOG_UNAVAILABLE',
    message: 'Kafka failed at sending: Closed connection',
    retryAfterMs: 1000,
  });
});
