import { createRandom } from '../../src/commands/demo/random.ts';
import type { NewEvent } from '../../src/ingest/tracker.ts';
import type { FreshnessInput } from '../../src/reports/moment/moment.ts';
import type { ReportRequest } from '../../src/reports/reports.ts';
import type { ReportMeta } from '../../src/reports/session.ts';

/** Random dashboards that many look at while events come in: the same seed makes the same of both. */

const dayMs = 86_400_000;
export const historyDays = 90;
const persons = 1500;
const dashboardCount = 200;
const tileCount = 120;
const mostTiles = 6;
const shareLate = 0.02;
const shareOfMerges = 0.01;

const names = ['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed'];
const countries = ['DE', 'GB', 'FR', 'BR', 'US', 'AT'];
const devices = ['phone', 'desktop', 'tablet'];
const categories = ['shoes', 'shirts', 'books', 'garden', 'kitchen', 'toys'];
const ranges = ['7d', '30d', '90d'];

export interface Answered {
  readonly meta: ReportMeta;
  /** What of the answer is compared. */
  readonly shown: unknown;
}

export interface Tile {
  /** Its input as JSON, and of which report. */
  readonly key: string;
  ask(reports: ReportRequest, freshness: FreshnessInput | undefined): Promise<Answered>;
}

export interface Traffic {
  /** The tiles of a dashboard; few of the dashboards are asked for by most. */
  nextDashboard(): readonly Tile[];
  /** So many events of the time before `now`. */
  nextEvents(count: number, now: number): NewEvent[];
  /** So many events of the days before `now`. */
  history(count: number, now: number): NewEvent[];
}

type Random = ReturnType<typeof createRandom>['next'];

/** `merges`: whether one event in a hundred makes two ids one person. */
export function createTraffic(seed: string, merges: boolean): Traffic {
  const toTiles = createRandom(`${seed} tiles`).next;
  const tiles = Array.from({ length: tileCount }, () => toTile(toTiles));
  const dashboards = Array.from({ length: dashboardCount }, () => {
    const range = { last: pick(toTiles, ranges) };
    const some = Array.from({ length: 1 + Math.floor(toTiles() * mostTiles) }, () => pick(toTiles, tiles));
    return [...new Set(some)].map((of) => of(range));
  });
  const shares: number[] = [];
  for (let place = 1; place <= dashboardCount; place++) shares.push((shares.at(-1) ?? 0) + 1 / place);
  const visits = createRandom(`${seed} visits`).next;
  const writes = createRandom(`${seed} writes`).next;
  let count = 0;

  const toEvent = (time: number): NewEvent => {
    const person = Math.floor(persons * writes() ** 2);
    // Drawn in any case, so that without merges all else is the same.
    const isMerge = writes() < shareOfMerges && merges;
    const base = { messageId: `m${++count}`, timestamp: new Date(time) };
    const event = pick(writes, names);
    const properties = {
      category: pick(writes, categories),
      price: Math.round(writes() * 20_000) / 100,
    };
    const context = {
      country: countries[person % countries.length] as string,
      device: { type: pick(writes, devices) },
    };
    const isKnown = writes() < 0.3;
    if (isMerge)
      return { kind: 'identify', input: { ...base, userId: `user-${person}`, anonymousId: `visitor-${person}` } };
    const who = isKnown ? { userId: `user-${person}` } : { anonymousId: `visitor-${person}` };
    return { kind: 'track', input: { ...base, ...who, event, properties, context } };
  };

  return {
    nextDashboard() {
      const at = visits() * (shares.at(-1) as number);
      return dashboards[shares.findIndex((share) => at < share)] as readonly Tile[];
    },
    nextEvents: (wanted, now) =>
      Array.from({ length: wanted }, () => {
        const isLate = writes() < shareLate;
        const ago = Math.floor(writes() * (isLate ? historyDays * dayMs : 3000));
        return toEvent(now - ago);
      }),
    history: (wanted, now) =>
      Array.from({ length: wanted }, (_, i) =>
        toEvent(now - historyDays * dayMs + ((i + 0.5) * historyDays * dayMs) / wanted),
      ),
  };
}

function toTile(random: Random): (range: { readonly last: string }) => Tile {
  const kind = random();
  if (kind < 0.1) {
    const steps = ['Product Viewed', 'Product Added', 'Order Completed'].slice(0, 2 + Math.floor(random() * 2));
    const more = { steps: steps.map((event) => ({ event })) };
    return createTile('funnel', more, async (reports, input) => {
      const { steps: shown, meta } = await reports.funnel({ ...input, ...more });
      return { meta, shown: shown.map(({ count }) => count) };
    });
  }
  if (kind < 0.2) {
    const more = { property: pick(random, ['category', 'context.device.type', 'context.country']) };
    return createTile('topValues', more, async (reports, input) => {
      const { values, events, persons: who, meta } = await reports.topValues({ ...input, ...more });
      return { meta, shown: [values.map((line) => [line.value, line.events, line.persons]), events, who] };
    });
  }
  const measure = pick(random, ['COUNT', 'COUNT', 'UNIQUE_USERS', 'UNIQUE_USERS', 'SUM', 'P90'] as const);
  const property = measure === 'SUM' || measure === 'P90' ? 'price' : undefined;
  const filter = pick(random, [
    undefined,
    undefined,
    { property: 'context.country', op: 'EQ', value: pick(random, countries) } as const,
    { property: 'context.device.type', op: 'EQ', value: pick(random, devices) } as const,
  ]);
  const breakdown =
    random() < 0.3 ? [{ property: pick(random, ['category', 'context.country']), limit: 4 }] : undefined;
  const more = { series: [{ event: pick(random, names), measure, property }], filter, breakdown };
  return createTile('trend', more, async (reports, input) => {
    const { buckets, series, meta } = await reports.trend({ ...input, ...more });
    const lines = series.map(({ breakdown: of, isOther, values, total }) => [of, isOther, values, total]);
    return { meta, shown: [buckets, lines] };
  });
}

function createTile(
  report: string,
  more: object,
  ask: (
    reports: ReportRequest,
    input: { readonly range: { readonly last: string }; readonly freshness: FreshnessInput | undefined },
  ) => Promise<Answered>,
): (range: { readonly last: string }) => Tile {
  return (range) => ({
    key: JSON.stringify([report, range, more]),
    ask: (reports, freshness) => ask(reports, { range, freshness }),
  });
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}
