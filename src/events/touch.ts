/**
 * What a batch touches, so that answers that do not look there stay valid: hours since 1970 for events near the time they
 * were received, months for events far from it. A touch of a month is -1 - months since January 1900, thus never an hour
 * of an event after 1970; the few hours before 1970 are counted by month as well.
 */

const hour = 3_600_000;
/** Events further than this from their receipt are far; the table's partitions use the same bound. */
export const farDays = 400;
const far = farDays * 24 * hour;

export function toTouch(time: number, receivedAt: number): number {
  if (time >= 0 && Math.abs(time - receivedAt) <= far) return Math.floor(time / hour);
  return toMonthTouch(time);
}

function toMonthTouch(time: number): number {
  const date = new Date(time);
  const months = (date.getUTCFullYear() - 1900) * 12 + date.getUTCMonth();
  return -1 - months;
}

/** What a touch may stand for: events of from <= t < to. */
export function toTouched(touch: number): { readonly from: number; readonly to: number } {
  if (touch >= 0) return { from: touch * hour, to: (touch + 1) * hour };
  const months = -1 - touch;
  return { from: Date.UTC(1900, months), to: Date.UTC(1900, months + 1) };
}

/** Touches of hours that have something of the range: from the first to before the end. */
export function toHours({ from, to }: { readonly from: number; readonly to: number }): { first: number; end: number } {
  return { first: Math.floor(from / hour), end: Math.ceil(to / hour) };
}
