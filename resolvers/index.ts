import { entityReports } from './entity.ts';
import { afterwards, needing, toEventsAsked } from './field.ts';
import { funnel, funnelStep } from './funnel.ts';
import { mutation } from './mutation.ts';
import { query } from './query.ts';
import { cohort, savedReport } from './saved.ts';
import { scalars } from './scalars.ts';
import { subscription } from './subscription.ts';
import type { IngestionLedgerArgs, Resolvers } from './types.generated.ts';

export const resolvers = {
  ...scalars,
  Mutation: mutation,
  Query: query,
  Subscription: subscription,
  ReportMeta: {
    statements: (meta) => meta.statements(),
    rowsRead: (meta) => meta.rowsRead(),
  },
  Retention: { people: afterwards((report, args) => report.people(args)) },
  Cohort: cohort,
  SavedReport: savedReport,
  EntityReports: entityReports,
  Funnel: funnel,
  FunnelStep: funnelStep,
  Person: { events: afterwards((person, args, info) => person.timeline(args, toEventsAsked(info))) },
  Ingestion: {
    dedupWindowHours: needing('read', ({ project }, _: unknown, context) =>
      context.reports(project).dedupWindowHours(),
    ),
    ledger: needing('read', ({ project }, args: IngestionLedgerArgs, context) => context.reports(project).ledger(args)),
  },
} satisfies Resolvers;
