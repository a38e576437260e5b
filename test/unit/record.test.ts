import fc from 'fast-check';
import { type Arrival, eventKinds, type TrackedEvent } from '../../src/events/event.ts';
import { flattenList, hasDeepList } from '../../src/events/json.ts';
import { encodeRecord, parseStoredTime, readRecord, toRecordKey, toStoredTime } from '../../src/events/record.ts';

const whole = fc.string({ unit: 'binary' }).map((text) => text.toWellFormed());
const id = fc.oneof(
  whole,
  fc.constantFrom(
    'm'.repeat(100),
    '"'.repeat(100),
    '\\'.repeat(100),
    '\u0001'.repeat(100),
    '日'.repeat(100),
    '😀'.repeat(50),
    '","received_at":"',
  ),
);
const time = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2300, 0, 1) - 1 });
const anyTime = fc.oneof(time, fc.integer({ min: -8.64e15, max: 8.64e15 }));
const object = fc.option(fc.dictionary(whole, fc.jsonValue({ maxDepth: 3 })), { nil: null });
const project = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/);

const event: fc.Arbitrary<TrackedEvent> = fc.record({
  kind: fc.constantFrom(...eventKinds),
  event: whole,
  messageId: id,
  userId: id,
  anonymousId: id,
  groupId: id,
  previousId: id,
  time: anyTime,
  originalTimestamp: fc.option(time, { nil: null }),
  sentAt: fc.option(time, { nil: null }),
  properties: object,
  traits: object,
  context: object,
  dead: fc.option(
    fc.record({
      code: fc.constantFrom('TIMESTAMP_IN_FUTURE' as const, 'TIMESTAMP_TOO_OLD' as const),
      path: fc.constant(['timestamp']),
      message: whole,
    }),
    { nil: null },
  ),
});
const arrival: fc.Arbitrary<Arrival> = fc.record({
  project,
  keyId: fc.stringMatching(/^[0-9a-f]{8}$/),
  receivedAt: time,
  retentionDays: fc.constant(undefined),
});

const clamp = (t: number) => Math.min(Math.max(t, Date.UTC(1900, 0, 1)), Date.UTC(2300, 0, 1) - 1);

test('the sink reads from a record what the gateway wrote, without reading the whole', () => {
  fc.assert(
    fc.property(event, arrival, (written, at) => {
      const record = encodeRecord(written, at);
      const facts = {
        project: at.project,
        keyId: at.keyId,
        fingerprint: JSON.parse(record.toString()).fingerprint,
        messageId: written.messageId,
        receivedAt: at.receivedAt,
        time: clamp(written.time),
        dead: written.dead && { code: written.dead.code, message: written.dead.message },
      };
      expect(readRecord(record)).toEqual(facts);
      // What is behind the facts is not looked at: it may be as long, and as broken, as can be.
      if (!written.dead) {
        const end = record.indexOf(written.sentAt === null ? ',"kind":' : ',"sent_at":') + 11;
        expect(readRecord(Buffer.concat([record.subarray(0, end), Buffer.from('{'.repeat(3000))]))).toEqual(facts);
      }
      // Fields in another order are found as well.
      const row = JSON.parse(record.toString());
      const turned = Object.fromEntries(Object.entries(row).reverse());
      expect(readRecord(Buffer.from(JSON.stringify(turned)))).toEqual(facts);
    }),
    { numRuns: 500 },
  );
});

test('a record is one line of JSON that holds the event, column by column', () => {
  fc.assert(
    fc.property(event, arrival, (written, at) => {
      const text = encodeRecord(written, at).toString();
      expect(text).not.toContain('\n');
      const row = JSON.parse(text);
      const optional = {
        user_id: written.userId,
        anonymous_id: written.anonymousId,
        group_id: written.groupId,
        previous_id: written.previousId,
      };
      for (const [column, value] of Object.entries(optional)) expect(row[column] ?? '').toBe(value);
      expect(row).toMatchObject({ v: 1, kind: written.kind, event: written.event, key_id: at.keyId });
      expect(parseStoredTime(row.received_at)).toBe(at.receivedAt);
      expect(row.sent_at === undefined ? null : parseStoredTime(row.sent_at)).toBe(written.sentAt);
      expect(row.original_timestamp === undefined ? null : parseStoredTime(row.original_timestamp)).toBe(
        written.originalTimestamp,
      );
      const json = (value: unknown) => (value ? JSON.parse(JSON.stringify(value)) : undefined);
      expect(row.data).toEqual(
        JSON.parse(
          JSON.stringify({
            properties: json(written.properties),
            context: json(written.context),
            traits: json(written.traits),
          }),
        ),
      );
      expect(row.flat).toEqual(hasDeepList(row.data) ? JSON.parse(JSON.stringify(row.data, flattenList)) : undefined);
    }),
    { numRuns: 500 },
  );
});

test('a second try has the same fingerprint, whenever it is sent, and another event has another', () => {
  const fingerprintOf = (written: TrackedEvent, at: Arrival) => readRecord(encodeRecord(written, at))!.fingerprint;
  fc.assert(
    fc.property(event, arrival, time, fc.option(time, { nil: null }), (written, at, receivedAt, sentAt) => {
      const first = fingerprintOf(written, at);
      expect(fingerprintOf({ ...written, sentAt, time: receivedAt }, { ...at, receivedAt })).toBe(first);
      expect(fingerprintOf({ ...written, event: `${written.event}!` }, at)).not.toBe(first);
      expect(fingerprintOf({ ...written, properties: { ...written.properties, added: 1 } }, at)).not.toBe(first);
    }),
  );
});

test('what is none of ours is none', () => {
  const others = [
    '',
    '{',
    '[]',
    'null',
    '1',
    '"x"',
    '{}',
    '{"v":1}',
    '{"project":"Shop","message_id":"m","received_at":"2026-03-01 12:00:00.000","time":"2026-03-01 12:00:00.000"}',
  ];
  for (const other of others) expect(readRecord(Buffer.from(other))).toBeNull();
  const row = {
    project: 'shop',
    message_id: 'm',
    received_at: '2026-03-01 12:00:00.000',
    time: '2026-03-01 12:00:00.000',
  };
  expect(readRecord(Buffer.from(JSON.stringify(row)))?.messageId).toBe('m');
  for (const broken of [
    { message_id: 7 },
    { time: '2026-03-01T12:00:00.000Z' },
    { received_at: null },
    { time: '2026-13-41 12:00:00.000' },
  ]) {
    expect(readRecord(Buffer.from(JSON.stringify({ ...row, ...broken })))).toBeNull();
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(readRecord(Buffer.from(bytes))).toBeNull();
    }),
  );
});

test('a stored time comes back as it went in', () => {
  fc.assert(
    fc.property(time, (t) => {
      expect(toStoredTime(t)).toHaveLength(23);
      expect(parseStoredTime(toStoredTime(t))).toBe(t);
    }),
  );
  expect(toStoredTime(Date.UTC(2026, 2, 1, 12, 0, 0, 7))).toBe('2026-03-01 12:00:00.007');
});

test('events of one person meet, and those of others do not', () => {
  expect(toRecordKey('shop', 'u', 'a')).toBe(toRecordKey('shop', 'u', 'b'));
  const keys = [
    toRecordKey('shop', 'x', ''),
    toRecordKey('shop', '', 'x'),
    toRecordKey('other', 'x', ''),
    toRecordKey('shop', 'y', ''),
  ];
  expect(new Set(keys).size).toBe(4);
});
