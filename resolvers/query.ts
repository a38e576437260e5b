import { asksFor, needing, toEventsAsked } from './field.ts';
import { priceQuery } from './price.ts';
import { savedQuery } from './saved.ts';
import type {
  QueryCatalogArgs,
  QueryDeadLettersArgs,
  QueryDeletionArgs,
  QueryDeletionsArgs,
  QueryEntityReportsArgs,
  QueryEventStatusArgs,
  QueryEventsArgs,
  QueryFunnelArgs,
  QueryLifecycleArgs,
  QueryLiveArgs,
  QueryPathsArgs,
  QueryPersonArgs,
  QueryResolvers,
  QueryRetentionArgs,
  QuerySessionsArgs,
  QueryStickinessArgs,
  QueryTopValuesArgs,
  QueryTrendArgs,
} from './types.generated.ts';

export const query = {
  ...savedQuery,
  ...priceQuery,
  trend: needing('read', ({ project }, { input }: QueryTrendArgs, context, info) =>
    context.reports(project).trend(input, {
      totals: asksFor(info, ['series', 'total']) || asksFor(info, ['series', 'previous', 'total']),
    }),
  ),
  funnel: needing('read', ({ project }, { input }: QueryFunnelArgs, context) => context.reports(project).funnel(input)),
  retention: needing('read', ({ project }, { input }: QueryRetentionArgs, context) =>
    context.reports(project).retention(input),
  ),
  sessions: needing('read', ({ project }, { input }: QuerySessionsArgs, context) =>
    context.reports(project).sessions(input),
  ),
  paths: needing('read', ({ project }, { input }: QueryPathsArgs, context) => context.reports(project).paths(input)),
  topValues: needing('read', ({ project }, { input }: QueryTopValuesArgs, context) =>
    context.reports(project).topValues(input),
  ),
  live: needing('read', ({ project }, args: QueryLiveArgs, context) => context.reports(project).live(args)),
  lifecycle: needing('read', ({ project }, { input }: QueryLifecycleArgs, context) =>
    context.reports(project).lifecycle(input),
  ),
  stickiness: needing('read', ({ project }, { input }: QueryStickinessArgs, context) =>
    context.reports(project).stickiness(input),
  ),
  entityReports: needing('read', async ({ project }, args: QueryEntityReportsArgs, context) =>
    context.reports(project).entities.list(args),
  ),
  events: needing('read', ({ project }, args: QueryEventsArgs, context, info) =>
    context.reports(project).events(args, toEventsAsked(info)),
  ),
  person: needing('read', ({ project }, args: QueryPersonArgs, context, info) =>
    context.reports(project).person(args, { traits: asksFor(info, ['traits']) }),
  ),
  catalog: needing('read', ({ project }, { freshness }: QueryCatalogArgs, context) =>
    context.reports(project).catalog(freshness),
  ),
  eventStatus: needing('read', ({ project }, { messageIds }: QueryEventStatusArgs, context) =>
    context.reports(project).eventStatus(messageIds),
  ),
  ingestion: needing('read', ({ project }, _: unknown, context) => context.reports(project).ingestion()),
  deletion: needing('read', ({ project }, { id }: QueryDeletionArgs, context) => context.reports(project).deletion(id)),
  deletions: needing('read', ({ project }, { first }: QueryDeletionsArgs, context) =>
    context.reports(project).deletions(first ?? 50),
  ),
  deadLetters: needing('read', ({ project }, args: QueryDeadLettersArgs, context) =>
    context.reports(project).deadLetters(args),
  ),
} satisfies QueryResolvers;
