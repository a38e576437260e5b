import { needing } from './field.ts';
import type {
  QueryCatalogArgs,
  QueryDeadLettersArgs,
  QueryEventStatusArgs,
  QueryEventsArgs,
  QueryFunnelArgs,
  QueryPersonArgs,
  QueryResolvers,
  QueryRetentionArgs,
  QueryTrendArgs,
} from './types.generated.ts';

export const query = {
  trend: needing('read', ({ project }, { input }: QueryTrendArgs, context) => context.reports(project).trend(input)),
  funnel: needing('read', ({ project }, { input }: QueryFunnelArgs, context) => context.reports(project).funnel(input)),
  retention: needing('read', ({ project }, { input }: QueryRetentionArgs, context) =>
    context.reports(project).retention(input),
  ),
  events: needing('read', ({ project }, args: QueryEventsArgs, context) => context.reports(project).events(args)),
  person: needing('read', ({ project }, args: QueryPersonArgs, context) => context.reports(project).person(args)),
  catalog: needing('read', ({ project }, { freshness }: QueryCatalogArgs, context) =>
    context.reports(project).catalog(freshness),
  ),
  eventStatus: needing('read', ({ project }, { messageIds }: QueryEventStatusArgs, context) =>
    context.reports(project).eventStatus(messageIds),
  ),
  ingestion: needing('read', ({ project }, _: unknown, context) => context.reports(project).ingestion()),
  deadLetters: needing('read', ({ project }, args: QueryDeadLettersArgs, context) =>
    context.reports(project).deadLetters(args),
  ),
} satisfies QueryResolvers;
