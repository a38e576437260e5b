import { afterwards } from './field.ts';
import type { EntityReportsResolvers } from './types.generated.ts';

export const entityReports = {
  trend: afterwards((entity, { input }) => entity.trend(input)),
  funnel: afterwards((entity, { input }) => entity.funnel(input)),
  topValues: afterwards((entity, { input }) => entity.topValues(input)),
} satisfies EntityReportsResolvers;
