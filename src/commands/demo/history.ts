import type { EventInput } from '../import/event-input.ts';
import { createRandom } from './random.ts';
import { refundChance, toNewVisitors, toReturnChance, toVisitor } from './shop.ts';
import { toRefund, toVisit } from './visit.ts';

export interface HistoryOptions {
  readonly seed: string;
  readonly days: number;
  /** New visitors on an ordinary day. */
  readonly visitors: number;
  /** Where the history ends, in milliseconds since 1970. */
  readonly until: number;
}

export interface HistoryDay {
  /** 1 for the first. */
  readonly number: number;
  /** In order of their time. */
  readonly events: readonly EventInput[];
}

interface Timed {
  readonly at: number;
  readonly event: EventInput;
}

const dayMs = 86_400_000;
/** Days after the first visit on which somebody may still come. */
const lifetime = 60;

/**
 * The shop's past, day by day. What a visitor does depends on the seed, the day of the first visit and a number alone,
 * so a second run, also with other days, sends the same events under the same ids where the two overlap.
 */
export function* createHistory({ seed, days, visitors, until }: HistoryOptions): Generator<HistoryDay> {
  const lastDay = Math.floor(until / dayMs);
  const firstDay = lastDay - days + 1;
  const later = new Map<number, Timed[]>();
  for (let day = firstDay; day <= lastDay; day++) {
    const count = toNewVisitors(day, day - launchDay, visitors, createRandom(`${seed}|${day}`));
    for (let number = 0; number < count; number++) {
      for (const timed of toLife(seed, day, number)) {
        const on = Math.floor(timed.at / dayMs);
        if (on > lastDay) continue;
        const events = later.get(on);
        if (events) events.push(timed);
        else later.set(on, [timed]);
      }
    }
    const today = (later.get(day) ?? []).filter(({ at }) => at < until).sort((a, b) => a.at - b.at);
    later.delete(day);
    yield { number: day - firstDay + 1, events: today.map(({ event }) => event) };
  }
}

/** The growth is counted from here, so that a day is the same whatever day a run begins with. */
const launchDay = Math.floor(Date.UTC(2026, 0, 1) / dayMs);

function* toLife(seed: string, firstDay: number, number: number): Generator<Timed> {
  const name = `${seed}-${firstDay}-${number}`;
  const random = createRandom(name);
  const visitor = toVisitor(name, random);
  let known = false;
  let sent = 0;
  const stamp = (at: number, make: (id: string, timestamp: string) => EventInput): Timed => ({
    at,
    event: make(`demo-${name}-${sent++}`, new Date(at).toISOString()),
  });
  for (let after = 0; after <= lifetime; after++) {
    if (after > 0 && !random.chance(toReturnChance(visitor, firstDay, after))) continue;
    const hour = (visitor.hour + random.whole(-1, 1) + 24) % 24;
    let at = (firstDay + after) * dayMs + hour * 3_600_000 + random.whole(0, 3_599_999);
    const visit = toVisit(visitor, at, known, after > 0, `order-${name}-${after}`, random);
    for (const { afterMs, toEvent } of visit.steps) {
      at += afterMs;
      yield stamp(at, toEvent);
    }
    known = visit.known;
    if (visit.order && random.chance(refundChance)) {
      yield stamp(at + random.whole(1, 10) * dayMs, toRefund(visitor, visit.order).toEvent);
    }
  }
}
