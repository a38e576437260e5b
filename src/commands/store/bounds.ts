import { InvalidArgumentError } from 'commander';
import { historyLane, liveLane } from '../../events/position.ts';
import type { Bound } from '../../ingest/audit/bounds.ts';

/** 3:1200 is a position; 2026-03-01T12:00:00Z a time of receipt. */
export function parseBound(text: string): Bound {
  const position = /^(\d{1,5}):(\d{1,15})$/.exec(text);
  if (position) return { partition: Number(position[1]), offset: Number(position[2]) };
  const at = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError(
      'expected a time with its offset, as 2026-03-01T12:00:00Z, or a position, as 3:1200 (partition 3, offset 1200).',
    );
  return { at };
}

export function parsePartition(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('expected the number of a partition.');
  return Number(text);
}

export function parseLane(text: string): number {
  if (text !== 'live' && text !== 'history') throw new InvalidArgumentError('expected live or history.');
  return text === 'history' ? historyLane : liveLane;
}
