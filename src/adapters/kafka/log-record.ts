import type { LogRecord } from '../../ports/event-log.ts';

const nothing = Buffer.alloc(0);

export function toLogRecord(offset: number, value: Buffer | null): LogRecord {
  const bytes = value ?? nothing;
  return { offset, bytes, start: 0, end: bytes.length };
}
