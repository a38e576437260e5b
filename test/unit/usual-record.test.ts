import fc from 'fast-check';
import { parseStoredTime, readRecord, toStoredTime } from '../../src/events/record.ts';
import { createUsualReader, type UsualReader } from '../../src/events/usual-record.ts';

/** One of a few, so that one record is like another one before it but for a byte. */
const owner = fc.record({ project: fc.constantFrom('shop', 'shop2', 'a'), keyId: fc.constantFrom('k', 'k1', '') });
const time = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 1) + 200_000 }),
  fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 0, 1) }),
);
const id = fc.oneof(fc.stringMatching(/^[ -~]{0,40}$/), fc.string({ unit: 'binary' }), fc.constant('m'.repeat(300)));
const line = fc
  .record({ owner, id, receivedAt: time, time, fingerprint: fc.nat({ max: 0xffffffff }), next: fc.nat({ max: 1 }) })
  .map(
    ({ owner: { project, keyId }, id, fingerprint, next, ...at }) =>
      `{"v":1,"project":"${project}","key_id":"${keyId}","fingerprint":${fingerprint},"message_id":${JSON.stringify(id)},"received_at":"${toStoredTime(at.receivedAt)}","time":"${toStoredTime(at.time)}","${['kind', 'sent_at'][next]}":"x"}`,
  );
/** The same with one character put in the place of another. */
const damaged = fc
  .tuple(line, fc.nat({ max: 250 }), fc.constantFrom('"', '\\', '0', '9', ':', 'x', '\u0001', 'é', ''))
  .map(([text, at, character]) => text.slice(0, at) + character + text.slice(at + 1));

/** As JSON says it, for what is a record at all. */
function readSlowly(text: string): unknown {
  const row = JSON.parse(text);
  return {
    project: row.project,
    keyId: row.key_id,
    messageId: row.message_id,
    fingerprint: row.fingerprint,
    receivedAt: parseStoredTime(row.received_at),
    time: parseStoredTime(row.time),
    dead: null,
  };
}

/** As it lies among others: `rest` stands right behind it. */
function readAmong(read: UsualReader, text: string, rest: string) {
  const [front, own] = [Buffer.from(rest), Buffer.from(text)];
  return read(Buffer.concat([front, own, front]), front.length, front.length + own.length);
}

test('what is read byte by byte is what JSON says, whatever was read before', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (lines) => {
      const read = createUsualReader(parseStoredTime);
      for (const text of lines) {
        const facts = readAmong(read, text, lines[0] as string);
        if (facts !== null) expect(facts).toEqual(readSlowly(text));
        expect(readRecord(Buffer.from(text))).toEqual(readSlowly(text));
      }
    }),
    { numRuns: 300 },
  );
});

test('a damaged record reads after others as it reads alone, and a cut one is left to others', () => {
  fc.assert(
    fc.property(line, damaged, fc.nat({ max: 250 }), (good, bad, end) => {
      const read = createUsualReader(parseStoredTime);
      const alone = readAmong(createUsualReader(parseStoredTime), bad, good);
      readAmong(read, good, bad);
      expect(readAmong(read, bad, good)).toEqual(alone);
      const front = good.slice(0, Math.min(end, good.indexOf('"time":') + 30));
      expect(readAmong(read, front, good.slice(front.length))).toBeNull();
    }),
    { numRuns: 1000 },
  );
});

test('most records are usual', () => {
  const read = createUsualReader(parseStoredTime);
  const text = (n: number) =>
    `{"v":1,"project":"shop","key_id":"k","fingerprint":${n},"message_id":"m-${n}","received_at":"${toStoredTime(n * 10_000)}","time":"${toStoredTime(n * 70_000)}","kind":"track"}`;
  for (let n = 0; n < 100; n++)
    expect(readAmong(read, text(n), text(n + 1))).toMatchObject({
      messageId: `m-${n}`,
      receivedAt: n * 10_000,
      time: n * 70_000,
    });
});
