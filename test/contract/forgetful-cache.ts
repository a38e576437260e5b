import type { ReportCache } from '../../src/ports/report-cache.ts';

/** Keeps nothing: everything is computed, whoever computes it at the same time. */
export const forgetfulCache: ReportCache = {
  getMany: async (keys) => keys.map(() => undefined),
  setMany: async () => {},
  claim: async (leases) => leases.map(() => true),
  release: async () => {},
  state: () => 'ready',
  close: async () => {},
};
