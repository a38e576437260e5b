import type { GraphQLSchema } from 'graphql';
import { type Change, type Changed, intervals } from '../src/reports/price/change.ts';
import { show } from '../src/reports/price/price.ts';
import type { Context } from './context.ts';
import { type Operation, type OperationPrice, priceOperation } from './price-document.ts';

export interface Suggestion {
  readonly text: string;
  readonly price: number;
  readonly changes: readonly PriceChange[];
}

interface PriceChange {
  readonly path: readonly string[];
  readonly interval: Changed['interval'] | null;
  readonly last: string | null;
  readonly from: Date | null;
}

/** Halvings of what is between nothing and the whole range. */
const looks = 8;

export function suggest(
  schema: GraphQLSchema,
  operation: Operation,
  context: Context,
  most: number,
): Promise<Suggestion[]> {
  return suggestBy((change) => priceOperation(schema, operation, context, change), most);
}

/** The least coarse interval and the longest ranges with which it costs at most so much. Each is priced as it would be asked. */
export async function suggestBy(price: Price, most: number): Promise<Suggestion[]> {
  const found = [await findInterval(price, most), await findShare(price, most)];
  return found.filter((one) => one !== null).map(toSuggestion);
}

type Priced = Pick<OperationPrice, 'total' | 'changes'>;
type Price = (change: Change) => Promise<Priced>;

async function findInterval(price: Price, most: number): Promise<Priced | null> {
  for (const interval of intervals.slice(1)) {
    const priced = await price({ interval });
    if (priced.changes.length > 0 && priced.total <= most) return priced;
  }
  return null;
}

async function findShare(price: Price, most: number): Promise<Priced | null> {
  let best: Priced | null = null;
  let low = 0;
  let high = 1;
  for (let look = 0; look < looks || (best === null && look < 2 * looks); look++) {
    const share = (low + high) / 2;
    const priced = await price({ share });
    if (priced.changes.length === 0) return best;
    if (priced.total <= most) {
      best = priced;
      low = share;
    } else high = share;
  }
  return best;
}

function toSuggestion({ total, changes }: Priced): Suggestion {
  const parts = changes.map(
    ({ path, interval, last, from }) =>
      `${path.join('.')}: ${interval ? `interval: ${interval}` : last ? `range.last: "${last}"` : `range.from: "${from?.toISOString()}"`}`,
  );
  const shown = parts.length > 3 ? [...parts.slice(0, 3), `and ${parts.length - 3} more`] : parts;
  return {
    text: `${shown.join(', ')} costs ${show(total)}`,
    price: total,
    changes: changes.map(({ path, interval, last, from }) => ({
      path,
      interval: interval ?? null,
      last: last ?? null,
      from: from ?? null,
    })),
  };
}
