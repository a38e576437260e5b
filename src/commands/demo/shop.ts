import type { Random } from './random.ts';

/** The shop: what it sells, who comes, and how likely they are to do what. The planted differences are those of docs/importing.md. */
export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
}

export const products: readonly (readonly [Product, number])[] = [
  [{ sku: 'tea-01', name: 'Darjeeling, 250 g', category: 'tea', price: 12.9 }, 10],
  [{ sku: 'tea-02', name: 'Sencha, 100 g', category: 'tea', price: 9.5 }, 9],
  [{ sku: 'tea-03', name: 'Peppermint, 20 bags', category: 'tea', price: 3.4 }, 8],
  [{ sku: 'cof-01', name: 'Espresso, 1 kg', category: 'coffee', price: 21 }, 9],
  [{ sku: 'cof-02', name: 'Filter roast, 500 g', category: 'coffee', price: 13.5 }, 7],
  [{ sku: 'pot-01', name: 'Teapot, cast iron', category: 'equipment', price: 64 }, 3],
  [{ sku: 'pot-02', name: 'Hand grinder', category: 'equipment', price: 89 }, 2],
  [{ sku: 'cup-01', name: 'Two cups', category: 'equipment', price: 18 }, 5],
];

export interface Campaign {
  readonly name: string;
  readonly source: string;
  readonly medium: string;
}

const channels: readonly (readonly [string, number])[] = [
  ['organic', 38],
  ['direct', 24],
  ['paid', 18],
  ['email', 12],
  ['social', 8],
];

const campaigns: Readonly<Record<string, Campaign>> = {
  paid: { name: 'brand-search', source: 'search', medium: 'cpc' },
  email: { name: 'newsletter', source: 'newsletter', medium: 'email' },
  social: { name: 'autumn-tea', source: 'social', medium: 'post' },
};

/** Country, with the hours by which its evenings come later than UTC's. */
const countries: readonly (readonly [
  { readonly code: string; readonly locale: string; readonly lag: number },
  number,
])[] = [
  [{ code: 'DE', locale: 'de-DE', lag: -1 }, 30],
  [{ code: 'GB', locale: 'en-GB', lag: 0 }, 18],
  [{ code: 'FR', locale: 'fr-FR', lag: -1 }, 14],
  [{ code: 'US', locale: 'en-US', lag: 6 }, 22],
  [{ code: 'IN', locale: 'en-IN', lag: -5 }, 10],
  [{ code: 'JP', locale: 'ja-JP', lag: -9 }, 6],
];

/** Visits by hour of a visitor's own day: little at night, a lunch break, a high evening. */
const hours: readonly (readonly [number, number])[] = [
  2, 1, 1, 1, 1, 2, 4, 6, 7, 8, 9, 10, 12, 10, 8, 8, 9, 11, 13, 16, 17, 14, 9, 4,
].map((weight, hour) => [hour, weight] as const);

/** By day of the week from Sunday: people shop at weekends. */
const weekdays = [1.35, 0.9, 0.85, 0.9, 0.95, 1.05, 1.3] as const;

export interface Visitor {
  readonly anonymousId: string;
  readonly userId: string;
  readonly country: string;
  readonly locale: string;
  readonly device: 'desktop' | 'mobile' | 'tablet';
  readonly channel: string;
  readonly campaign: Campaign | undefined;
  readonly plan: 'basic' | 'pro' | 'business';
  readonly company: string;
  /** Hour of UTC at which this one likes to come. */
  readonly hour: number;
}

export function toVisitor(name: string, random: Random): Visitor {
  const country = random.pick(countries);
  const channel = random.pick(channels);
  const hour = random.pick(hours);
  return {
    anonymousId: `anonymous-${name}`,
    userId: `user-${name}`,
    country: country.code,
    locale: country.locale,
    device: random.pick([
      ['mobile', 52],
      ['desktop', 40],
      ['tablet', 8],
    ] as const),
    channel,
    campaign: campaigns[channel],
    plan: random.pick([
      ['basic', 70],
      ['pro', 24],
      ['business', 6],
    ] as const),
    company: `company-${random.whole(1, 40)}`,
    hour: (hour + country.lag + 24) % 24,
  };
}

/** How many come for the first time on a day: more at weekends, a little more every week, and a sale each 14 days. */
export function toNewVisitors(day: number, index: number, perDay: number, random: Random): number {
  const weekday = weekdays[(day + 4) % 7] as number;
  const sale = isSale(day) ? 1.8 : 1;
  const noise = 0.9 + random.next() * 0.2;
  const growth = Math.min(2.5, Math.max(0.5, 1 + index * 0.002));
  return Math.max(1, Math.round(perDay * weekday * sale * noise * growth));
}

/** Days are counted from 1970. */
export function isSale(day: number): boolean {
  return day % 14 === 3;
}

/** Chance to come back `after` days: falls off as a power, with a weekly habit; plans and e-mail bring people back. */
export function toReturnChance({ plan, channel }: Visitor, day: number, after: number): number {
  const habit = after % 7 === 0 ? 1.5 : 1;
  const loyalty = plan === 'business' ? 1.8 : plan === 'pro' ? 1.4 : 1;
  const reminder = channel === 'email' ? 1.3 : 1;
  const weekday = weekdays[(day + after + 4) % 7] as number;
  return Math.min(0.9, 0.26 * after ** -0.75 * habit * loyalty * reminder * weekday);
}

export const refundChance = 0.05;

/** The planted funnel: phones lose people between checkout and order, loyal visitors buy more, a sale helps. */
export function toChances({ device, plan }: Visitor, returning: boolean, sale: boolean) {
  const keen = (plan === 'basic' ? 1 : 1.25) * (returning ? 1.2 : 1) * (sale ? 1.25 : 1);
  return {
    search: 0.35,
    add: Math.min(0.8, 0.28 * keen),
    viewCart: 0.85,
    checkout: 0.66,
    order: device === 'mobile' ? 0.48 : 0.78,
    signUp: 0.3,
  };
}
