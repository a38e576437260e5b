import { parseSnapshotToken, toSnapshotToken } from '../../events/tokens.ts';
import type { Cell } from '../cells/cells.ts';
import type { CohortMembers } from '../definitions/cohort-members.ts';
import type { FreshnessInput, Moment } from '../moment/moment.ts';
import { type Plan, type Row, toPlanOf, toShapeKey } from '../plan.ts';
import type { Session } from '../session.ts';
import { type Change, type Changed, toChanged, withChanged } from './change.ts';
import { toWork, type Work } from './plan.ts';

/** A session in which nothing is asked of the warehouse: it notes what a report would have computed. */
export interface DrySession {
  readonly session: Session;
  /** What relative ranges are resolved with. */
  readonly now: number;
  /** The cheaper question that is looked at instead. */
  toInput<Input extends object>(input: Input): Input;
  /** What was noted since the last time. */
  take(): Noted;
}

export interface Noted {
  /** Statements, each once. */
  readonly works: readonly Work[];
  /** What reports were asked. */
  readonly inputs: readonly object[];
  readonly changes: readonly Changed[];
}

interface DryDeps {
  readonly project: string;
  readonly signal: AbortSignal;
  readonly cohorts: CohortMembers;
  readonly now: number;
  /** null: what is asked as it is asked. */
  readonly change: Change | null;
}

/** Rows without which a report would not go on to its next statement. */
const standIns: Readonly<Record<string, readonly Row[]>> = {
  person_ids: [{ id: '0' }],
  person: [{ place: 0, own: '1', user_ids: [], anonymous_ids: [], first: '0', last: '0', n: '1', data: '{}' }],
  paths: [{ part: 'all', step: 0, name: '', next: '', n: '0', persons: '0', began: '0', ended: '0', nodes: '0' }],
};

export function createDrySession({ project, signal, cohorts, now, change }: DryDeps): DrySession {
  const noted = new Set<string>();
  let works: Work[] = [];
  let inputs: object[] = [];
  let changes: Changed[] = [];

  const note = async (asked: Plan, moment: Moment): Promise<Cell> => {
    const plan = await cohorts.expand(project, asked, moment.now, signal);
    const key = toShapeKey(project, plan);
    // Statements that are equal are computed once for an operation.
    if (!noted.has(key)) {
      noted.add(key);
      works.push(toWork(plan));
    }
    return { rows: standIns[plan.label] ?? [], source: 'warehouse', statements: 0, rowsRead: 0 };
  };

  const session: Session = {
    project,
    signal,
    report: async (freshness, run) => run(toMoment(freshness, now)),
    load: (moment, plan) => note(plan, moment),
    loadBuckets: (moment, plan) => note(toPlanOf(plan, plan.buckets), moment),
    // Whether there are few is not known: what it takes when there are many is the price.
    loadFew: async () => null,
    read: async <R extends Row>(moment: Moment, plan: Plan) => {
      const { rows } = await note(plan, moment);
      return rows as readonly R[];
    },
    async query() {
      return { rows: [], rowsRead: 0, elapsedMs: 0 };
    },
    toMeta: ({ asOf, snapshot, consistency }) => ({
      asOf: new Date(asOf),
      snapshot,
      consistency,
      source: 'WAREHOUSE',
      cachedBuckets: 0,
      computedBuckets: 0,
      statements: async () => 0,
      rowsRead: async () => 0,
      elapsedMs: 0,
      exact: true,
      errorBound: null,
      warnings: [],
    }),
  };
  return {
    session,
    now,
    toInput(input) {
      const changed = change && toChanged(input, change, now);
      const asked = changed ? withChanged(input, changed) : input;
      if (changed) changes.push(changed);
      inputs.push(asked);
      return asked;
    },
    take() {
      const taken = { works, inputs, changes };
      works = [];
      inputs = [];
      changes = [];
      return taken;
    },
  };
}

/** Throws INVALID_TOKEN. */
function toMoment(freshness: FreshnessInput | null | undefined, now: number): Moment {
  const facts = freshness?.at
    ? parseSnapshotToken(freshness.at)
    : { vector: new Map<number, number>(), asOf: now, now };
  const snapshot = freshness?.at ?? toSnapshotToken(facts);
  return { ...facts, snapshot, consistency: 'NOT_ASKED', fresh: false, warnings: [] };
}
