import type { Table } from '../table.ts';
import { events } from './events.ts';
import { funnel, funnelPeople, funnelTrend } from './funnel.ts';
import { lifecycle } from './lifecycle.ts';
import { liveMinutes, liveNames, liveTotals } from './live.ts';
import { pathsLinks, pathsNodes } from './paths.ts';
import { retention, retentionPeople } from './retention.ts';
import { sessions, sessionsPages, sessionsTotals } from './sessions.ts';
import { stickiness } from './stickiness.ts';
import { topValues } from './top-values.ts';
import { trend, trendTotals } from './trend.ts';

/** Each takes what the schema made of its own parameters, and of no other's. */
export const tables: readonly Table[] = [
  events,
  trend,
  trendTotals,
  funnel,
  funnelTrend,
  funnelPeople,
  retention,
  retentionPeople,
  sessions,
  sessionsTotals,
  sessionsPages,
  pathsNodes,
  pathsLinks,
  lifecycle,
  stickiness,
  topValues,
  liveMinutes,
  liveTotals,
  liveNames,
];
