import { TallygateError } from '../src/errors.ts';
import type { Context } from './context.ts';
import { needing } from './field.ts';
import { priceOperation, toOperation } from './price-document.ts';
import { suggest } from './price-suggestion.ts';
import type { QueryPriceOfArgs } from './types.generated.ts';

const mostPrices = 5;
const asked = new WeakMap<Context, number>();

export const priceQuery = {
  priceOf: needing('read', async (caller, args: QueryPriceOfArgs, context, { schema }) => {
    const count = (asked.get(context) ?? 0) + 1;
    asked.set(context, count);
    if (count > mostPrices)
      throw new TallygateError('INVALID_INPUT', `expected at most ${mostPrices} prices in an operation, got more`);
    const operation = toOperation(schema, context.prices.parse(args.query), args.operationName, args.variables ?? {});
    const { total, fields } = await priceOperation(schema, operation, context);
    const budget = context.prices.mostOf(caller);
    const fits = budget === null || total <= budget;
    const suggestions = fits ? [] : await suggest(schema, operation, context, budget);
    return { total, budget, fits, fields, suggestions };
  }),
};
