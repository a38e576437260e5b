import { type DocumentNode, type GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import type { Prices } from '../../resolvers/context.ts';
import { TallygateError } from '../errors.ts';
import type { Reports } from '../reports/reports.ts';
import type { BudgetOf } from './budgets.ts';
import { assertShallow, limitDocument, mostTokens } from './document-limits.ts';

/** Of a document; as in an operation that is executed. */
const mostErrors = 5;

/** What resolvers make prices with. */
export function createPrices(schema: GraphQLSchema, reports: Reports, budgetOf: BudgetOf): Prices {
  return {
    parse(query) {
      assertShallow(query);
      const document = parseQuery(query);
      const mistakes = validate(schema, document, [...specifiedRules, limitDocument], { maxErrors: mostErrors });
      if (mistakes.length > 0) throw wrong(mistakes);
      return document;
    },
    begin(project, change) {
      // Nothing runs that could be broken off.
      const { signal } = new AbortController();
      const dry = reports.dry(project, signal, change);
      return { dry, request: reports.begin(project, signal, undefined, dry) };
    },
    eventCounts: (project) => reports.eventCounts(project),
    mostOf: (caller) => budgetOf(caller)?.most ?? null,
  };
}

function parseQuery(query: string): DocumentNode {
  try {
    return parse(query, { maxTokens: mostTokens });
  } catch (thrown) {
    throw wrong([thrown as GraphQLError]);
  }
}

function wrong(mistakes: readonly GraphQLError[]): TallygateError {
  return new TallygateError('INVALID_INPUT', `query: ${mistakes.map(({ message }) => message).join('; ')}`);
}
