import { TallygateError } from '../../errors.ts';
import { type Interval, periodBefore, type Range, shiftBack } from '../range.ts';

export interface CompareInput {
  readonly previousPeriod?: boolean | null | undefined;
  readonly shift?: string | null | undefined;
}

/** The range to compare with, null for none. Throws INVALID_INPUT or INVALID_RANGE. */
export function toPreviousRange(
  input: CompareInput | null | undefined,
  range: Range,
  interval: Interval,
): Range | null {
  if (input === null || input === undefined) return null;
  const { previousPeriod, shift } = input;
  const isShifted = shift !== null && shift !== undefined;
  const isPrevious = previousPeriod !== null && previousPeriod !== undefined;
  if (isShifted === isPrevious)
    throw new TallygateError(
      'INVALID_INPUT',
      `compareTo: expected exactly one of previousPeriod and shift, got ${isShifted ? 'both' : 'none'}`,
    );
  if (isShifted) return shiftBack(range, shift, 'compareTo.shift');
  return previousPeriod ? periodBefore(range, interval) : null;
}
