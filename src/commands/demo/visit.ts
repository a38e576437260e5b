import type { EventInput, JsonObject } from '../import/event-input.ts';
import type { Random } from './random.ts';
import { isSale, type Product, products, toChances, type Visitor } from './shop.ts';

/** One step of a visit: how long after the one before, and what it sends. */
export interface Step {
  readonly afterMs: number;
  readonly toEvent: (messageId: string, timestamp: string) => EventInput;
}

export interface Visit {
  readonly steps: readonly Step[];
  /** Whether the visitor is known by userId from now on. */
  readonly known: boolean;
  /** What was bought, for the refund that may follow. */
  readonly order: JsonObject | undefined;
}

const dayMs = 86_400_000;

/** Where a visitor goes from the first page on. `at` is when the visit begins, in milliseconds since 1970. */
export function toVisit(
  visitor: Visitor,
  at: number,
  known: boolean,
  returning: boolean,
  orderId: string,
  random: Random,
): Visit {
  const chances = toChances(visitor, returning, isSale(Math.floor(at / dayMs)));
  const steps: Step[] = [];
  const talk = createVoice(visitor, known);
  const step = (kind: 'track' | 'page' | 'identify' | 'group', fields: JsonObject, seconds: number) => {
    const { ids, context } = talk;
    const afterMs = steps.length === 0 ? 0 : Math.round(seconds * (0.3 + random.next() * 1.6) * 1000);
    const who = { ...ids };
    steps.push({
      afterMs,
      toEvent: (messageId, timestamp) => ({ [kind]: { ...fields, ...who, context, messageId, timestamp } }),
    });
  };
  const track = (event: string, properties: JsonObject, seconds: number) =>
    step('track', { event, properties: { ...talk.about, ...properties } }, seconds);
  const identify = () => {
    talk.ids = { anonymousId: visitor.anonymousId, userId: visitor.userId };
    step('identify', { traits: { plan: visitor.plan, country: visitor.country, channel: visitor.channel } }, 20);
    if (visitor.plan === 'business') step('group', { groupId: visitor.company, traits: { plan: 'business' } }, 1);
  };
  const end = (order?: JsonObject): Visit => ({ steps, known: talk.ids.userId !== undefined, order });

  step('page', toPage('Home', '/', visitor), 0);
  if (!known && returning && random.chance(0.6)) identify();
  const cart: Product[] = [];
  const views = random.whole(0, 4) + (returning ? 1 : 0);
  for (let view = 0; view < views; view++) {
    const product = random.pick(products);
    if (random.chance(chances.search)) track('Products Searched', { query: product.category }, 15);
    track('Product Viewed', toProperties(product), 25);
    if (!random.chance(chances.add)) continue;
    cart.push(product);
    track('Product Added', { ...toProperties(product), quantity: 1 }, 20);
  }
  if (cart.length === 0 || !random.chance(chances.viewCart)) {
    if (talk.ids.userId === undefined && random.chance(chances.signUp * 0.3)) identify();
    return end();
  }
  const value = toMoney(cart.reduce((sum, { price }) => sum + price, 0));
  step('page', toPage('Cart', '/cart', visitor), 20);
  track('Cart Viewed', { value, products: cart.length }, 1);
  if (!random.chance(chances.checkout)) return end();
  if (talk.ids.userId === undefined) identify();
  track('Checkout Started', { value, products: cart.length }, 15);
  if (!random.chance(chances.order)) return end();
  const order = {
    order_id: orderId,
    revenue: value,
    products: cart.length,
    currency: 'EUR',
    category: cart[0]?.category,
  };
  track('Order Completed', order, 60);
  return end(order);
}

/** The refund of an order, some days later; not part of a visit. */
export function toRefund(visitor: Visitor, order: JsonObject): Step {
  const { context, about } = createVoice(visitor, true);
  const properties = { ...about, order_id: order.order_id, revenue: -Number(order.revenue) };
  const fields = { event: 'Order Refunded', userId: visitor.userId, context, properties };
  return { afterMs: 0, toEvent: (messageId, timestamp) => ({ track: { ...fields, messageId, timestamp } }) };
}

/** Who speaks, from where, and what every event says about it. */
function createVoice(visitor: Visitor, known: boolean) {
  const { anonymousId, userId, country, locale, device, channel, campaign, plan } = visitor;
  const ids: { anonymousId: string; userId?: string } = known ? { anonymousId, userId } : { anonymousId };
  return {
    ids,
    about: { country, device, channel, plan },
    context: {
      locale,
      device: { type: device },
      location: { country },
      ...(campaign ? { campaign: { ...campaign } } : {}),
    },
  };
}

function toPage(name: string, path: string, { channel }: Visitor): JsonObject {
  return { name, category: 'Shop', properties: { path, url: `https://shop.example${path}`, referrer: channel } };
}

function toProperties({ sku, name, category, price }: Product): JsonObject {
  return { sku, name, category, price };
}

function toMoney(value: number): number {
  return Math.round(value * 100) / 100;
}
