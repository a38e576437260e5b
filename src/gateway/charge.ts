import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Context, Prices } from '../../resolvers/context.ts';
import { priceOperation, toOperation } from '../../resolvers/price-document.ts';
import { type Suggestion, suggest, suggestBy } from '../../resolvers/price-suggestion.ts';
import { isTallygateError, TallygateError } from '../errors.ts';
import type { Change } from '../reports/price/change.ts';
import { show, toCost } from '../reports/price/price.ts';
import type { ReportRequest } from '../reports/reports.ts';
import type { Budget, BudgetOf } from './budgets.ts';

export interface Charge {
  /** Whether operations of the request have a price to be looked at. */
  applies(context: Context): boolean;
  /** Once for each request, however often it is asked. Rejects with OVER_BUDGET and BUDGET_SPENT: nothing has run then. */
  charge(
    context: Context,
    document: DocumentNode,
    operationName: string | undefined,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<void>;
}

export function createCharge(schema: GraphQLSchema, budgetOf: BudgetOf): Charge {
  const charged = new WeakMap<Context, Promise<void>>();
  const of = ({ caller }: Context) => (caller === null ? null : budgetOf(caller));

  return {
    applies: (context) => of(context) !== null,
    charge(context, document, operationName, variables) {
      const budget = of(context);
      if (budget === null) return Promise.resolve();
      const known = charged.get(context);
      if (known) return known;
      const charging = chargeOnce(schema, budget, context, { document, operationName, variables });
      charged.set(context, charging);
      return charging;
    },
  };
}

interface Asked {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

async function chargeOnce(
  schema: GraphQLSchema,
  budget: Budget,
  context: Context,
  { document, operationName, variables }: Asked,
): Promise<void> {
  let operation: ReturnType<typeof toOperation>;
  try {
    operation = toOperation(schema, document, operationName, variables);
  } catch (thrown) {
    // Whoever executes it says what is wrong, in the words of all other operations.
    if (isTallygateError(thrown)) return;
    throw thrown;
  }
  const { total } = await priceOperation(schema, operation, context);
  if (total > budget.most) throw toOverBudget(total, budget, await suggest(schema, operation, context, budget.most));
  spend(budget, total);
}

/** An export costs what its report costs. `open` asks for it with the reports that it is handed. Rejects as `charge` does. */
export async function chargeExport(
  budget: Budget,
  prices: Prices,
  project: string,
  open: (ask: () => ReportRequest) => Promise<unknown>,
): Promise<void> {
  const counts = await prices.eventCounts(project);
  const price = async (change: Change | null) => {
    const { dry, request } = prices.begin(project, change);
    await open(() => request);
    const noted = dry.take();
    const changes = noted.changes.map((changed) => ({ ...changed, path: ['input'] }));
    return { total: toCost(noted, counts, dry.now).price, changes };
  };
  const { total } = await price(null);
  if (total > budget.most) throw toOverBudget(total, budget, await suggestBy(price, budget.most));
  spend(budget, total);
}

/** Throws BUDGET_SPENT. */
function spend(budget: Budget, price: number): void {
  const waitMs = budget.spend(price);
  if (waitMs > 0)
    throw new TallygateError(
      'BUDGET_SPENT',
      `expected a price within what is left of this minute's budget, got ${show(price)}: ask again in ${Math.ceil(waitMs / 1000)} s`,
      { retryAfterMs: waitMs, details: { price } },
    );
}

function toOverBudget(price: number, { most }: Budget, suggestions: readonly Suggestion[]): TallygateError {
  const hint =
    suggestions.length > 0
      ? suggestions.map(({ text }) => text).join('; or ')
      : 'no coarser interval and no shorter range fits: ask for less at once';
  return new TallygateError(
    'OVER_BUDGET',
    `expected an operation that costs at most ${show(most)}, got one that costs ${show(price)}: ${hint}`,
    { details: { price, budget: most, suggestions } },
  );
}
