import { type Entities, splitRows } from '../entities/entities.ts';
import type { Moment } from '../moment/moment.ts';
import { type Interval, parseRange, toBuckets } from '../range.ts';
import type { Session } from '../session.ts';
import { always } from '../sql.ts';
import {
  type Funnel,
  type FunnelInput,
  type FunnelTrendPoint,
  type Later,
  loadFunnel,
  toBreakdown,
  toLineCounts,
  toSteps,
  toTrendPoints,
} from './funnel.ts';
import { aboutEntities, aboutEntity, parseFunnel, type Question } from './input.ts';
import { type BucketRow, type LineRow, planLines, planTrend } from './plans.ts';

/**
 * A funnel for each of the entities, in their order, by the same statements for all of them. Not so funnels of sessions, and lists
 * of people: these are asked for one by one.
 */
export function runFunnels(session: Session, input: FunnelInput, entities: Entities): Promise<Funnel[]> {
  return session.report(input.freshness, async (moment) => {
    const question = parseFunnel(input, parseRange(input.range, moment.now));
    if (question.by.kind === 'session')
      return Promise.all(
        entities.ids.map((id) => loadFunnel(session, moment, input, aboutEntity(question, entities, id))),
      );
    const whole = aboutEntities({ ...question, breakdown: null }, entities);
    const [cell, lines] = await Promise.all([
      session.load(moment, planLines(whole)),
      question.breakdown ? session.load(moment, planLines(aboutEntities(question, entities))) : null,
    ]);
    const rows = splitRows(entities, cell.rows as unknown as readonly LineRow[]);
    const rowsOfLines = lines && splitRows(entities, lines.rows as unknown as readonly LineRow[]);
    const loadTrends = createTrends(session, moment, whole, entities);
    const cells = lines ? [cell, lines] : [cell];
    const meta = session.toMeta(
      moment,
      cells.map((one) => ({ cell: one, buckets: 1 })),
    );
    return entities.ids.map((id, which): Funnel => {
      const [row] = rows[which] ?? [];
      const own = aboutEntity(question, entities, id);
      const later: Later = (run) => session.report(null, () => run(session, moment, own));
      const counts = toLineCounts(input.steps.length, row);
      return {
        steps: toSteps(input.steps, counts, async () => row, later, always, false),
        breakdown: rowsOfLines && toBreakdown(input.steps, rowsOfLines[which] ?? [], later),
        trend: async ({ interval }) => (await loadTrends(interval ?? 'DAY'))[which] ?? [],
        meta,
      };
    });
  });
}

/** The trends of all entities, by interval, when one of them is asked for. */
function createTrends(session: Session, moment: Moment, question: Question, entities: Entities) {
  const asked = new Map<Interval, Promise<(readonly FunnelTrendPoint[])[]>>();
  return (interval: Interval) => {
    const trends =
      asked.get(interval) ??
      session.report(null, async () => {
        const buckets = toBuckets(question.range, interval);
        const { rows } = await session.load(moment, planTrend(question, buckets));
        return splitRows(entities, rows as unknown as readonly BucketRow[]).map((some) =>
          toTrendPoints(question.steps.length, buckets, some),
        );
      });
    asked.set(interval, trends);
    return trends;
  };
}
