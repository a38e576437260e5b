import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The ids of one pair of lanes, as far as their memory goes. */
export interface BudgetMember {
  readonly ids: number;
  readonly tableBytes: number;
  readonly filterBytes: number;
  /** Hours that the window covers. */
  readonly hours: number;
  /** Ids of the table by the hour of their receipt. */
  countByHour(): Promise<ReadonlyMap<number, number>>;
  /** Moves ids received before `hour` from the table to the filters. */
  moveBefore(hour: number): Promise<void>;
  /** The first hour after those of the oldest filter; null without one. */
  oldestEnd(): number | null;
  /** Forgets what was received before `hour`: the window is shorter from now on. */
  shortenTo(hour: number): Promise<void>;
}

/**
 * The memory that the windows of repeats of this process may take. When it runs out, the oldest hours move from the tables
 * (at most 23 bytes an id) to the filters (about 2.2); when these take more than half of it, the oldest are forgotten.
 */
export interface DedupBudget {
  /** The function that it returns takes the member out again. */
  join(member: BudgetMember): () => void;
  /** Resolves when there is room: to be called before more ids come in. */
  settled(): Promise<void>;
  readonly bytes: number;
}

interface BudgetDeps {
  readonly bytes: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Of the budget: what the filters may take, and where they stand after the oldest were forgotten. */
const mostFilters = 0.5;
const filtersAfter = 0.4;
/** Of the budget, after ids have moved: so that they do not move for every batch. */
const after = 0.85;
const slotBytes = 20;
const filterBytes = 2.5;

export function createDedupBudget({ bytes: limit, metrics, logger }: BudgetDeps): DedupBudget {
  const members = new Set<BudgetMember>();
  let relief: Promise<void> | null = null;

  const sum = (of: (member: BudgetMember) => number) => {
    let total = 0;
    for (const member of members) total += of(member);
    return total;
  };
  const bytes = () => sum((member) => member.tableBytes + member.filterBytes);

  const report = () => {
    metrics.dedupIds.set(sum(({ ids }) => ids));
    metrics.dedupBytes.set(bytes());
    if (members.size > 0) metrics.dedupWindowHours.set(Math.min(...[...members].map(({ hours }) => hours)));
  };

  const shorten = async () => {
    while (sum((member) => member.filterBytes) > limit * filtersAfter) {
      const ends = [...members].map((member) => member.oldestEnd()).filter((end) => end !== null);
      if (ends.length === 0) return;
      const hour = Math.min(...ends);
      for (const member of members) {
        const end = member.oldestEnd();
        if (end !== null && end <= hour) await member.shortenTo(hour);
      }
    }
    logger.warn(
      { limit, hours: Math.min(...[...members].map(({ hours }) => hours)) },
      'the window of repeats is shorter than it was asked to be: its ids do not fit into DEDUP_MEMORY_MB',
    );
  };

  const moveOldest = async () => {
    const all = new Map<number, number>();
    for (const member of members)
      for (const [hour, ids] of await member.countByHour()) all.set(hour, (all.get(hour) ?? 0) + ids);
    let excess = Math.max(bytes() - limit * after, 0);
    let before = 0;
    for (const [hour, ids] of [...all].sort(([a], [b]) => a - b)) {
      if (excess <= 0) break;
      before = hour + 1;
      excess -= ids * (slotBytes - filterBytes);
    }
    for (const member of members) await member.moveBefore(before);
  };

  const relieve = async () => {
    if (bytes() > limit) await moveOldest();
    if (sum((member) => member.filterBytes) > limit * mostFilters) await shorten();
  };

  return {
    join(member) {
      members.add(member);
      return () => {
        members.delete(member);
        report();
      };
    },
    async settled() {
      if (relief === null && bytes() > limit) {
        relief = relieve().finally(() => {
          relief = null;
        });
      }
      await relief;
      report();
    },
    get bytes() {
      return bytes();
    },
  };
}
