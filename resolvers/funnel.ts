import { afterwards } from './field.ts';
import type { FunnelResolvers, FunnelStepResolvers } from './types.generated.ts';

export const funnel = { trend: afterwards((report, args) => report.trend(args)) } satisfies FunnelResolvers;

export const funnelStep = {
  medianSecondsFromPrevious: afterwards(async (step) => (await step.times()).medianSecondsFromPrevious),
  p90SecondsFromPrevious: afterwards(async (step) => (await step.times()).p90SecondsFromPrevious),
  medianSecondsFromStart: afterwards(async (step) => (await step.times()).medianSecondsFromStart),
  p90SecondsFromStart: afterwards(async (step) => (await step.times()).p90SecondsFromStart),
  people: afterwards((step, page) => step.people(page)),
  droppedOff: afterwards((step, page) => step.droppedOff(page)),
} satisfies FunnelStepResolvers;
