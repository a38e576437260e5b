import fc from 'fast-check';
import type { EventErrorCode } from '../../src/events/event.ts';
import { type Count, createReceipts } from '../../src/ingest/receipts.ts';
import type { EventStatus } from '../../src/ingest/tracker.ts';

const minute = 60_000;
const answered = (status: EventStatus, ...codes: EventErrorCode[]) => ({
  status,
  errors: codes.map((code) => ({ code })),
});

const sum = (counts: readonly Count[]) => counts.reduce((total, { events }) => total + events, 0);

test('whatever comes, in whatever order it is answered: each event is counted once, in its minute, for its key, in one report', () => {
  const event = fc.record({
    status: fc.constantFrom<EventStatus>('ACCEPTED', 'REJECTED', 'DEAD_LETTERED', 'RETRY'),
    code: fc.constantFrom<EventErrorCode>('INVALID_LENGTH', 'LOG_UNAVAILABLE'),
  });
  const request = fc.record({
    project: fc.constantFrom('a', 'b'),
    keyId: fc.constantFrom('k1', 'k2'),
    receivedAt: fc.integer({ min: 0, max: 5 * minute }),
    events: fc.array(event, { maxLength: 8 }),
    /** Its answer comes after so many other requests; some are never answered. */
    answeredAfter: fc.integer({ min: 0, max: 4 }),
    fails: fc.boolean(),
    reportAfter: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const receipts = createReceipts();
      const taken: Count[] = [];
      const open: { at: number; close: () => void }[] = [];
      const expected = new Map<string, number>();
      const tell = (key: string) => expected.set(key, (expected.get(key) ?? 0) + 1);
      requests.forEach(({ project, keyId, receivedAt, events, answeredAfter, fails, reportAfter }, i) => {
        const count = receipts.open({ project, keyId }, receivedAt);
        open.push({
          at: i + answeredAfter,
          close: () => {
            count(
              fails
                ? null
                : events.map(({ status, code }) => answered(status, ...(status === 'ACCEPTED' ? [] : [code]))),
            );
            // What is answered twice is counted once.
            count(events.map(({ status }) => answered(status)));
          },
        });
        if (!fails)
          for (const { status } of events) tell(`${project} ${keyId} ${Math.floor(receivedAt / minute)} ${status}`);
        for (const { close } of open.filter(({ at }) => at === i)) close();
        if (reportAfter) taken.push(...receipts.take(0).counts);
      });
      for (const { close } of open.filter(({ at }) => at >= requests.length)) close();
      taken.push(...receipts.take(0).counts);
      const names = { accepted: 'ACCEPTED', rejected: 'REJECTED', dead_lettered: 'DEAD_LETTERED', retry: 'RETRY' };
      const counted = new Map<string, number>();
      for (const { project, keyId, minute: at, outcome, code, events } of taken) {
        expect(code === '').toBe(outcome === 'accepted');
        const key = `${project} ${keyId} ${at / minute} ${names[outcome]}`;
        counted.set(key, (counted.get(key) ?? 0) + events);
      }
      expect(counted).toEqual(expected);
    }),
  );
});

test('a report speaks for no time at which a request came that is not answered yet', () => {
  const receipts = createReceipts();
  const sender = { project: 'a', keyId: 'k' };
  const first = receipts.open(sender, 1000);
  const second = receipts.open(sender, 2000);
  expect(receipts.take(5000).coversTo).toBe(1000);
  first([answered('ACCEPTED')]);
  expect(receipts.take(6000)).toMatchObject({
    coversTo: 2000,
    counts: [{ minute: 0, outcome: 'accepted', events: 1 }],
  });
  second(null);
  expect(receipts.take(7000)).toEqual({ coversTo: 7000, counts: [], lost: null });
  // A clock that was set back takes nothing back.
  expect(receipts.take(3000).coversTo).toBe(7000);
});

test('an event with several errors is counted once, under the first of them', () => {
  const receipts = createReceipts();
  receipts.open({ project: 'a', keyId: 'k' }, 0)([answered('REJECTED', 'PERSON_MISSING', 'INVALID_LENGTH')]);
  expect(receipts.take(1).counts).toEqual([
    { project: 'a', keyId: 'k', minute: 0, outcome: 'rejected', code: 'PERSON_MISSING', events: 1 },
  ]);
});

test('when too many counts wait the oldest minute goes, and the report says so', () => {
  const receipts = createReceipts(3);
  for (let i = 0; i < 5; i++) receipts.open({ project: 'a', keyId: 'k' }, i * minute)([answered('ACCEPTED')]);
  const { counts, lost } = receipts.take(10 * minute);
  expect(counts.map((count) => count.minute / minute)).toEqual([2, 3, 4]);
  expect(sum(counts)).toBe(3);
  expect(lost).toEqual({ from: 0, to: 2 * minute });
  expect(receipts.take(10 * minute).lost).toBeNull();
});
