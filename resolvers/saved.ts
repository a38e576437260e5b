import { TallygateError } from '../src/errors.ts';
import type { Context } from './context.ts';
import { afterwards, needing } from './field.ts';
import { parseDocument, runDocument, toVariables } from './saved-document.ts';
import type {
  CohortResolvers,
  MutationDeleteCohortArgs,
  MutationDeleteReportArgs,
  MutationSaveCohortArgs,
  MutationSaveReportArgs,
  QueryCohortArgs,
  QueryCohortsArgs,
  QuerySavedReportArgs,
  SavedReportResolvers,
} from './types.generated.ts';

/** Each is a document of its own, with reports of its own. */
const mostRuns = 10;
const runs = new WeakMap<Context, number>();

export const savedQuery = {
  cohort: needing('read', ({ project }, args: QueryCohortArgs, context) => context.reports(project).cohort(args)),
  cohorts: needing('read', ({ project }, { freshness }: QueryCohortsArgs, context) =>
    context.reports(project).cohorts(freshness),
  ),
  savedReport: needing('read', ({ project }, { name, variables, freshness }: QuerySavedReportArgs, context, info) => {
    const count = (runs.get(context) ?? 0) + 1;
    runs.set(context, count);
    if (count > mostRuns)
      throw new TallygateError('INVALID_INPUT', `expected at most ${mostRuns} saved reports in an operation, got more`);
    return context.reports(project).savedReports.run(freshness, name, async (report) => ({
      name,
      version: report.version,
      ...(await runDocument(info.schema, report, variables ?? {}, context)),
    }));
  }),
  savedReports: needing('read', ({ project }, _: unknown, context) => context.reports(project).savedReports.list()),
};

export const savedMutation = {
  saveCohort: needing('edit', ({ project, keyId }, { input }: MutationSaveCohortArgs, context) =>
    context.reports(project).saveCohort(keyId, input),
  ),
  deleteCohort: needing('edit', ({ project, keyId }, args: MutationDeleteCohortArgs, context) =>
    context.reports(project).deleteCohort(keyId, args),
  ),
  saveReport: needing('edit', async ({ project, keyId }, { input }: MutationSaveReportArgs, context, info) => {
    parseDocument(info.schema, input.document);
    return context.reports(project).savedReports.save(keyId, input);
  }),
  deleteReport: needing('edit', ({ project, keyId }, args: MutationDeleteReportArgs, context) =>
    context.reports(project).savedReports.remove(keyId, args),
  ),
};

export const cohort = {
  size: afterwards((of) => of.size()),
  people: afterwards((of, page) => of.people(page)),
  versions: afterwards((of, page) => of.versions(page)),
  meta: afterwards((of) => of.meta()),
} satisfies CohortResolvers;

export const savedReport = {
  variables: (report, _args, _context, info) => toVariables(info.schema, report.document),
  versions: afterwards((report, page) => report.versions(page)),
} satisfies SavedReportResolvers;
