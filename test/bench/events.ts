import type { TrackInput } from '../../resolvers/types.generated.ts';
import { createRandom } from '../../src/commands/demo/random.ts';
import { parseEvent } from '../../src/events/parse.ts';
import { encodeRecord, toRecordKey } from '../../src/events/record.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';

/** The field values of a track event, before anything of GraphQL has read them. */
export interface PlainTrack extends Omit<TrackInput, 'timestamp' | 'sentAt'> {
  readonly timestamp: string;
  readonly sentAt: string;
}

const names = [
  'Product Viewed',
  'Product Viewed',
  'Product Viewed',
  'Products Searched',
  'Product Added',
  'Cart Viewed',
];
const rareNames = ['Checkout Started', 'Payment Info Entered', 'Order Completed', 'Product Removed', 'Coupon Applied'];
const categories = ['shoes', 'shirts', 'books', 'garden', 'kitchen', 'toys'];
const paths = ['/', '/search', '/cart', '/checkout', '/p/espresso-machine', '/p/running-shoes', '/account/orders'];
const locales = ['en-GB', 'de-DE', 'fr-FR', 'pt-BR'];
const people = 20_000;

/**
 * Events of a shop, about 400 bytes each in the log: five properties and a context. The same seed makes the same events; `idPrefix`
 * makes their messageIds differ between runs.
 */
export function createEvents(seed: string, idPrefix: string): (time: number) => PlainTrack {
  const random = createRandom(seed).next;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  let count = 0;
  return (time) => {
    const person = Math.floor(random() * people);
    const timestamp = new Date(time).toISOString();
    return {
      event: random() < 0.9 ? pick(names) : pick(rareNames),
      ...(random() < 0.5 ? { userId: `user-${person}` } : { anonymousId: `visitor-${person.toString(36)}` }),
      messageId: `${idPrefix}-${(count++).toString(36)}`,
      timestamp,
      sentAt: timestamp,
      properties: {
        product_id: `SKU-${Math.floor(random() * 2000)}`,
        category: pick(categories),
        price: Math.round(random() * 20_000) / 100,
        quantity: 1 + Math.floor(random() * 3),
        in_stock: random() < 0.8,
      },
      context: { page: { path: pick(paths) }, locale: pick(locales) },
    };
  };
}

/** The same events as the gateway appends them: parsed, and encoded by the code that the gateway encodes them with. */
export function createRecords(seed: string): (receivedAt: number) => NewRecord {
  const next = createEvents(seed, 'bench');
  const project = 'demo';
  return (receivedAt) => {
    const { timestamp, sentAt, ...input } = next(receivedAt - 40);
    const arrival = { project, keyId: 'bench', receivedAt, retentionDays: undefined };
    const { event, errors } = parseEvent(
      'track',
      { ...input, timestamp: new Date(timestamp), sentAt: new Date(sentAt) },
      arrival,
    );
    if (event === null) throw new Error(`expected an event without errors, got ${JSON.stringify(errors)}`);
    return { key: toRecordKey(project, event.userId, event.anonymousId), value: encodeRecord(event, arrival) };
  };
}
