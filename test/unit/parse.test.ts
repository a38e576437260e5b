import fc from 'fast-check';
import { type Arrival, type EventInput, type EventKind, eventKinds, limits } from '../../src/events/event.ts';
import { correctedTime, type ParsedEvent, parseEvent } from '../../src/events/parse.ts';

const day = 24 * 3_600_000;
const receivedAt = Date.UTC(2026, 2, 1, 12);
const arrival: Arrival = { project: 'shop', keyId: 'abcd1234', receivedAt, retentionDays: undefined };
const who = { userId: 'user-1', messageId: 'm-1' };

const parse = (kind: EventKind, input: EventInput, more: Partial<Arrival> = {}) =>
  parseEvent(kind, input, { ...arrival, ...more });
const codes = ({ errors }: ParsedEvent) => errors.map(({ code, path }) => `${code} ${path.join('.')}`);
const moment = fc.integer({ min: Date.UTC(1970, 0, 1), max: receivedAt }).map((time) => new Date(time));
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: limits.name });

describe('when', () => {
  test("timestamp = receivedAt - (sentAt - originalTimestamp), so that a client's wrong clock cancels out", () => {
    fc.assert(
      fc.property(fc.integer({ min: -3650 * day, max: 3650 * day }), fc.nat(300 * day), (skew, age) => {
        const happened = receivedAt - age;
        const { event } = parse('page', {
          ...who,
          timestamp: new Date(happened + skew),
          sentAt: new Date(receivedAt + skew),
        });
        expect(event?.time).toBe(happened);
      }),
    );
  });

  test('without sentAt the time is as it was said, without a timestamp it is now', () => {
    fc.assert(
      fc.property(moment, moment, (timestamp, sentAt) => {
        expect(parse('page', { ...who, timestamp }).event?.time).toBe(timestamp.getTime());
        expect(parse('page', { ...who, sentAt }).event?.time).toBe(receivedAt);
        expect(parse('page', who).event?.time).toBe(receivedAt);
        expect(correctedTime(receivedAt, sentAt.getTime(), timestamp.getTime())).toBe(
          receivedAt - (sentAt.getTime() - timestamp.getTime()),
        );
      }),
    );
  });

  test("a batch's sentAt is for events that have none of their own", () => {
    const batch = { sentAt: new Date(receivedAt + 5000) };
    const timestamp = new Date(receivedAt - 1000);
    expect(parseEvent('page', { ...who, timestamp }, arrival, batch).event?.time).toBe(receivedAt - 6000);
    const own = { ...who, timestamp, sentAt: new Date(receivedAt) };
    expect(parseEvent('page', own, arrival, batch).event?.time).toBe(receivedAt - 1000);
  });

  test.each([
    ['a day ahead is welcome', receivedAt + day, undefined, null],
    ['more than a day ahead is kept aside', receivedAt + day + 1, undefined, 'TIMESTAMP_IN_FUTURE'],
    ['the oldest that is kept', receivedAt - 30 * day, 30, null],
    ['older than what is kept', receivedAt - 30 * day - 1, 30, 'TIMESTAMP_TOO_OLD'],
    ['1900 is welcome when all is kept', Date.UTC(1900, 0, 1), undefined, null],
    ['before 1900', Date.UTC(1900, 0, 1) - 1, undefined, 'TIMESTAMP_OUT_OF_RANGE'],
    ['after 2299', Date.UTC(2300, 0, 1), undefined, 'TIMESTAMP_OUT_OF_RANGE'],
  ])('%s', (_, time, retentionDays, code) => {
    const { event, errors } = parse('page', { ...who, timestamp: new Date(time) }, { retentionDays });
    expect(event?.dead?.code ?? null).toBe(code);
    expect(errors).toEqual(event?.dead ? [event.dead] : []);
  });

  test('says what was expected and what came', () => {
    const dead = (timestamp: string, more = {}) =>
      parse('page', { ...who, timestamp: new Date(timestamp) }, more).event?.dead;
    expect(dead('2026-03-03T00:00:00Z')).toEqual({
      code: 'TIMESTAMP_IN_FUTURE',
      path: ['timestamp'],
      message: 'expected a time at most one day ahead of 2026-03-01T12:00:00.000Z, got 2026-03-03T00:00:00.000Z',
    });
    expect(dead('2025-01-01T00:00:00Z', { retentionDays: 90 })?.message).toBe(
      'expected a time of the last 90 days, got 2025-01-01T00:00:00.000Z',
    );
    expect(dead('1850-01-01T00:00:00Z')?.message).toBe(
      'expected a time from 1900 to 2299, got -3786825600000 ms since 1970',
    );
  });
});

describe('who', () => {
  test('userId or anonymousId, for every kind of event', () => {
    for (const kind of eventKinds) {
      const what = { event: 'e', groupId: 'g', previousId: 'p', messageId: 'm' };
      expect(codes(parse(kind, what))).toEqual(['PERSON_MISSING userId']);
      expect(codes(parse(kind, { ...what, userId: null, anonymousId: null }))).toEqual(['PERSON_MISSING userId']);
      expect(parse(kind, { ...what, userId: 'u' }).errors).toEqual([]);
      expect(parse(kind, { ...what, anonymousId: 'a' }).errors).toEqual([]);
    }
  });

  test('ids are 1 to 200 characters, to the character', () => {
    for (const field of ['userId', 'anonymousId', 'groupId', 'previousId'] as const) {
      expect(parse('group', { ...who, [field]: 'x'.repeat(200) }).errors).toEqual([]);
      expect(codes(parse('group', { ...who, [field]: 'x'.repeat(201) }))).toContain(`INVALID_LENGTH ${field}`);
      expect(codes(parse('group', { ...who, [field]: '' }))).toContain(`INVALID_LENGTH ${field}`);
    }
    expect(parse('page', { ...who, userId: 'x'.repeat(201) }).errors[0]?.message).toBe(
      'expected 1 to 200 characters, got 201',
    );
  });

  test('a messageId of up to 100 characters is kept, and one is made when there is none', () => {
    expect(parse('page', { ...who, messageId: 'm'.repeat(100) }).messageId).toBe('m'.repeat(100));
    expect(codes(parse('page', { ...who, messageId: 'm'.repeat(101) }))).toEqual(['INVALID_LENGTH messageId']);
    for (const messageId of [null, undefined, '']) {
      const made = parse('page', { userId: 'u', messageId }).messageId;
      expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(parse('page', { userId: 'u', messageId }).messageId).not.toBe(made);
    }
  });

  test("the group may stand in context, as Segment's libraries send it", () => {
    expect(parse('page', { ...who, context: { groupId: 'g' } }).event?.groupId).toBe('g');
    expect(parse('group', { ...who, groupId: 'own', context: { groupId: 'g' } }).event?.groupId).toBe('own');
    expect(parse('page', { ...who, context: { groupId: 7 } }).event?.groupId).toBe('');
    expect(parse('page', { ...who, context: { groupId: 'x'.repeat(300) } }).event?.groupId).toHaveLength(200);
  });
});

describe('what', () => {
  test('a tracked event has a name of its own, the others have theirs', () => {
    for (const kind of eventKinds) {
      if (kind === 'track') continue;
      expect(parse(kind, { ...who, event: 'ignored' }).event?.event).toBe(`$${kind}`);
      expect(codes(parse('track', { ...who, event: `$${kind}` }))).toEqual(['RESERVED_EVENT event']);
    }
    expect(parse('track', { ...who, event: '$page' }).errors[0]?.message).toBe(
      'expected a name of your own, got $page, which is what page is called in reports',
    );
    expect(parse('track', { ...who, event: 'x'.repeat(200) }).errors).toEqual([]);
    expect(codes(parse('track', { ...who, event: 'x'.repeat(201) }))).toEqual(['INVALID_LENGTH event']);
    expect(codes(parse('track', { ...who, event: '' }))).toEqual(['INVALID_LENGTH event']);
  });

  test('name and category of pages and screens are properties, and win', () => {
    for (const kind of ['page', 'screen'] as const) {
      const { event } = parse(kind, { ...who, name: 'Home', category: 'c', properties: { name: 'other', a: 1 } });
      expect(event?.properties).toEqual({ name: 'Home', category: 'c', a: 1 });
    }
    expect(parse('track', { ...who, event: 'e', name: 'Home' }).event?.properties).toBeNull();
  });

  test("a batch's context is merged under the event's own, __proto__ and all", () => {
    const context = JSON.parse('{"page":{"a":1},"app":"x","__proto__":{"b":2}}');
    const own = JSON.parse('{"page":{"c":3}}');
    const { event } = parseEvent('page', { ...who, context: own }, arrival, { context });
    expect(JSON.stringify(event?.context)).toBe('{"page":{"c":3},"app":"x","__proto__":{"b":2}}');
  });

  test('texts that are cut in the middle of a character are mended wherever they stand', () => {
    const cut = 'a\ud83d';
    const { event, messageId } = parse('track', {
      event: cut,
      userId: cut,
      anonymousId: cut,
      groupId: cut,
      messageId: cut,
      properties: { [cut]: cut },
    });
    const whole = 'a\ufffd';
    expect([event?.event, event?.userId, event?.anonymousId, event?.groupId, event?.messageId, messageId]).toEqual(
      Array(6).fill(whole),
    );
    expect(event?.properties).toEqual({ [whole]: whole });
  });

  test('all that is wrong is said, not the first of it', () => {
    const { event, errors } = parse('track', {
      event: '',
      userId: 'x'.repeat(201),
      messageId: 'm'.repeat(101),
      properties: { price: Number.POSITIVE_INFINITY },
    });
    expect(event).toBeNull();
    expect(errors.map(({ code, path }) => [code, path])).toEqual([
      ['INVALID_LENGTH', ['userId']],
      ['INVALID_LENGTH', ['messageId']],
      ['INVALID_LENGTH', ['event']],
      ['INVALID_VALUE', ['properties', 'price']],
    ]);
  });
});

test('whatever comes, it never throws, and answers with an event or with reasons', () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const object = fc.dictionary(text, fc.jsonValue());
  const anyTime = fc.date({ noInvalidDate: true });
  fc.assert(
    fc.property(
      fc.constantFrom(...eventKinds),
      fc.record({
        event: maybe(fc.string({ unit: 'binary' })),
        userId: maybe(fc.string({ unit: 'binary' })),
        anonymousId: maybe(fc.string({ unit: 'binary' })),
        messageId: maybe(fc.string({ unit: 'binary' })),
        timestamp: maybe(anyTime),
        sentAt: maybe(anyTime),
        properties: maybe(object),
        context: maybe(object),
        traits: maybe(object),
      }),
      (kind, input) => {
        const { event, errors, messageId } = parse(kind, input, { retentionDays: 30 });
        expect(messageId).not.toBe('');
        if (event === null) expect(errors.length).toBeGreaterThan(0);
        else {
          expect(errors).toEqual(event.dead ? [event.dead] : []);
          expect(event.userId !== '' || event.anonymousId !== '').toBe(true);
          if (!event.dead) expect(Math.abs(event.time)).toBeLessThan(8e15);
        }
      },
    ),
  );
});
