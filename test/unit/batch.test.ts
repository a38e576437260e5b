import { toLogRecord } from '../../src/adapters/kafka/log-record.ts';
import { decideBatch, joinLines, type Line, toToken } from '../../src/ingest/batch.ts';
import { readFacts } from '../../src/ingest/facts.ts';
import type { LogRecord } from '../../src/ports/event-log.ts';
import { createRecords } from '../bench/events.ts';

const stream = 65_536;
const firstOffset = 9_007_199_254_740_000;

/** As the embedded log hands them out: side by side in one piece of memory. */
function neighbours(count: number): LogRecord[] {
  const next = createRecords('batch');
  const values = Array.from({ length: count }, () => next(Date.UTC(2026, 0, 15)).value);
  const all = Buffer.concat(values);
  let at = 0;
  return values.map(({ length }, i) => {
    at += length;
    return { offset: firstOffset + i, bytes: all, start: at - length, end: at };
  });
}

const toText = ({ bytes, start, end }: Line | LogRecord): string => bytes.toString('utf8', start, end);

const apart = (records: readonly LogRecord[]): LogRecord[] =>
  records.map((record) => toLogRecord(record.offset, Buffer.from(toText(record))));

describe('a batch', () => {
  const records = neighbours(50);
  const decideAllNew = async () =>
    decideBatch(
      stream,
      records,
      await readFacts(records),
      records.map(() => 'new'),
    );

  it('has a token of what the records hold, however they lie in memory', () => {
    const token = toToken(stream, records);
    expect(toToken(stream, apart(records))).toBe(token);
    expect(toToken(stream, [...records.slice(0, 20), ...apart(records.slice(20, 30)), ...records.slice(30)])).toBe(
      token,
    );
    const swapped = [...records];
    swapped[3] = { ...records[4]!, offset: records[3]!.offset };
    swapped[4] = { ...records[3]!, offset: records[4]!.offset };
    expect(toToken(stream, swapped)).not.toBe(token);
  });

  it('has each record to the byte in its line, behind its position', async () => {
    const { events } = await decideAllNew();
    expect(events.map(toText)).toEqual(
      records.map((record) => `{"log_stream":${stream},"log_offset":${record.offset},${toText(record).slice(1)}\n`),
    );
  });

  it('joins its lines, all or some of them, also those of other memory', async () => {
    const { events } = await decideAllNew();
    const texts = events.map(toText);
    const other = { offset: 1, bytes: Buffer.from('{}\n'), start: 0, end: 3 };
    expect(joinLines([]).toString()).toBe('');
    expect(joinLines(events).toString()).toBe(texts.join(''));
    expect(joinLines(events).buffer).toBe(events[0]!.bytes.buffer);
    expect(joinLines(events.slice(10, 20)).toString()).toBe(texts.slice(10, 20).join(''));
    expect(joinLines([...events.slice(0, 3), ...events.slice(5)]).toString()).toBe(
      [...texts.slice(0, 3), ...texts.slice(5)].join(''),
    );
    expect(joinLines([other, ...events]).toString()).toBe(`{}\n${texts.join('')}`);
    expect(joinLines([...events, other]).toString()).toBe(`${texts.join('')}{}\n`);
  });
});
