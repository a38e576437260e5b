import { parse } from 'graphql';
import { createReports, type Reports } from '../../../src/reports/reports.ts';
import { openCache } from '../../../src/roles/backends.ts';
import { forgetfulCache } from '../../contract/forgetful-cache.ts';
import { dashboards, toDocument } from '../dashboard-tiles.ts';
import { toRoundRange } from '../report-cases.ts';
import { project, streams } from '../report-events.ts';
import { serveJobs } from '../worker.ts';
import { type Counts, measure, openCounted, toText } from './counted.ts';
import { askOperation } from './operation.ts';

/**
 * One dashboard asked for once: by the product, with fusion or without, what is cached left aside; or by hand. warm: by the
 * product, of what is cached. same: so many operations at once that ask for the same trend, which nobody asked for before.
 */
export interface DashboardJob {
  readonly events: number;
  readonly place: number;
  readonly round: number;
  readonly by: 'fused' | 'unfused' | 'hand' | 'warm' | 'same';
}

export interface DashboardAsked extends Counts {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Equal texts for equal answers. */
  readonly answer: string;
}

const atOnce = 1000;
let opened: ReturnType<typeof open> | null = null;

async function open(events: number) {
  const { config, telemetry, warehouse, deps, take } = await openCounted(events);
  return {
    warehouse,
    take,
    fused: createReports({ ...deps, cache: forgetfulCache }),
    unfused: createReports({ ...deps, cache: forgetfulCache, fusion: false }),
    remembering: createReports({ ...deps, cache: openCache(config, telemetry) }),
  };
}

serveJobs<DashboardJob, DashboardAsked>(async ({ events, place, round, by }) => {
  opened ??= open(events);
  const { warehouse, fused, unfused, remembering, take } = await opened;
  const dashboard = dashboards[place];
  if (!dashboard) return { seconds: 0, cpuSeconds: 0, statements: 0, rowsRead: 0, answer: '' };
  // No tile of one dashboard has been asked for by another.
  const scope = { ...toRoundRange(round + place * 100), ends: new Array<number>(streams).fill(events - 1) };
  const document = parse(toDocument(dashboard, scope));
  const askOne = async (reports: Reports) => {
    const data = await askOperation(reports, document);
    return () => dashboard.tiles.map(({ toAnswer }, i) => toAnswer(data[`t${i}`] as never));
  };
  const run = async () => {
    if (by === 'fused') return askOne(fused);
    if (by === 'warm') return askOne(remembering);
    if (by === 'unfused') return askOne(unfused);
    if (by === 'hand') {
      const results = await Promise.all(
        dashboard
          .sql(scope)
          .map((sql) =>
            warehouse.query<Record<string, unknown>>(
              { sql },
              { label: 'bench', project, limits: { resultRows: 1_000_000 } },
            ),
          ),
      );
      return () => dashboard.toAnswers(results.map(({ rows }) => rows));
    }
    const input = {
      range: { from: new Date(scope.from), to: new Date(scope.to) },
      series: [{ event: 'Product Viewed', measure: 'SUM', property: 'price' }],
    } as const;
    const answers = await Promise.all(
      Array.from({ length: atOnce }, () => remembering.begin(project, new AbortController().signal).trend(input)),
    );
    return () => [new Set(answers.map(({ series }) => JSON.stringify(series))).size];
  };
  take();
  const { answer: toAnswers, ...took } = await measure(run);
  return { ...took, ...take(), answer: toText(toAnswers()) };
});
