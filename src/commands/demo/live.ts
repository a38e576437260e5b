import type { EventInput } from '../import/event-input.ts';
import { createRandom } from './random.ts';
import { toVisitor } from './shop.ts';
import { type Step, toVisit } from './visit.ts';

/** Visits that are under way: an event takes the next step of one of them. */
const underWay = 40;

/**
 * Endless traffic of now. `run` makes the ids this run's own, since a second live run is other traffic; `past` are
 * visitors that come back.
 */
export function createLive(seed: string, run: string) {
  const random = createRandom(`${seed}|live|${run}`);
  const visits: { steps: readonly Step[]; next: number }[] = [];
  let visitors = 0;
  let sent = 0;

  function begin(now: number) {
    const returning = visitors > 20 && random.chance(0.4);
    const name = `${seed}-live-${run}-${returning ? random.whole(0, visitors - 1) : visitors++}`;
    const visitor = toVisitor(name, createRandom(name));
    const visit = toVisit(visitor, now, returning && random.chance(0.5), returning, `order-${name}-${sent}`, random);
    return { steps: visit.steps, next: 0 };
  }

  return (count: number, now: number): EventInput[] =>
    Array.from({ length: count }, () => {
      while (visits.length < underWay) visits.push(begin(now));
      const place = random.whole(0, underWay - 1);
      const visit = visits[place] as (typeof visits)[number];
      const step = visit.steps[visit.next++] as Step;
      if (visit.next === visit.steps.length) visits[place] = begin(now);
      return step.toEvent(`demo-${seed}-live-${run}-${sent++}`, new Date(now).toISOString());
    });
}
