import { type Plan, type Row, toSettled } from '../plan.ts';
import { join, type Sql, sql, value } from '../sql.ts';
import { type Countable, toLanes, toScans } from './lanes.ts';
import { type Select, toScanSelect } from './scan.ts';

/** Rows that have to be computed. */
export interface Missing {
  /** The statement that computes them alone. */
  readonly plan: Plan;
  /** What it counts, where others' can be counted with it. */
  readonly grouped: Countable | null;
  /** Took long when it was computed before: nobody else waits for it. */
  readonly isLong: boolean;
}

/** One statement for some of what is missing. */
export interface Fused {
  readonly plan: Plan;
  /** Places in the list of what is missing. */
  readonly members: readonly number[];
  /** Why these are together, or why one is alone. */
  readonly why: string;
  /** Rows of each member, as its own plan would give them. */
  take(rows: readonly Row[]): readonly (readonly Row[])[];
}

/** SELECTs of one statement. */
const mostSelects = 16;
/** Bytes of text, about: planning a long statement costs the engine more than a few short ones. */
const mostText = 40_000;
/** Of a SELECT that others are put beside. */
const longText = 12_000;
const mostResultRows = 2_000_000;

/**
 * As few statements as pay off. What is counted by the same buckets and lines is counted in one pass with -If; where the
 * same is counted by other buckets or lines of the same events, in one pass with GROUPING SETS; and what does not take
 * long is asked for at once, with UNION ALL.
 */
export function fuse(missing: readonly Missing[]): Fused[] {
  // With nothing to go with.
  if (missing.length === 1) return pack([toOwnSelect(missing, 0)], missing);
  const { lanes, alone } = toLanes(missing.map(({ grouped, isLong }) => (isLong ? null : grouped)));
  return pack([...toScans(lanes).map(toScanSelect), ...alone.map((place) => toOwnSelect(missing, place))], missing);
}

function toOwnSelect(missing: readonly Missing[], place: number): Select {
  return {
    select: toSettled((missing[place] as Missing).plan.select),
    members: [place],
    take: (rows) => [rows],
  };
}

function pack(selects: readonly Select[], missing: readonly Missing[]): Fused[] {
  const fused: Fused[] = [];
  let some: Select[] = [];
  let text = 0;
  const close = () => {
    const count = some.reduce((sum, { members }) => sum + members.length, 0);
    const why =
      count === 1 ? 'nothing that goes with it was missing' : 'missing at the same time, as of the same moment';
    if (some.length > 0) fused.push(toFused(some, missing, why));
    some = [];
    text = 0;
  };
  for (const select of selects) {
    const length = toLength(select.select);
    if (select.members.some((place) => missing[place]?.isLong))
      fused.push(toFused([select], missing, 'took long before'));
    else if (length > longText) fused.push(toFused([select], missing, 'a long statement'));
    else {
      if (some.length === mostSelects || text + length > mostText) close();
      some.push(select);
      text += length;
    }
  }
  close();
  return fused;
}

function toLength(select: Sql): number {
  return select.strings.reduce((sum, { length }) => sum + length, 0);
}

function toFused(selects: readonly Select[], missing: readonly Missing[], why: string): Fused {
  const members = selects.flatMap((select) => select.members);
  const [only] = selects;
  // Alone it is the statement that it is without all this.
  if (members.length === 1)
    return { plan: (missing[members[0]!] as Missing).plan, members, why, take: (rows) => [rows] };
  const plans = members.map((place) => (missing[place] as Missing).plan);
  const labels = new Set(plans.map(({ label }) => label));
  const resultRows = plans.reduce((sum, { limits }) => sum + (limits?.resultRows ?? 0), 0);
  const plan = (select: Sql): Plan => ({
    label: labels.size === 1 ? (plans[0] as Plan).label : 'fused',
    select,
    limits: { resultRows: Math.min(mostResultRows, Math.max(resultRows, 1_000_000)) },
  });
  if (selects.length === 1) return { plan: plan((only as Select).select), members, why, take: (only as Select).take };
  // Rows travel as text, so that statements of any columns can be one.
  const union = join(
    selects.map(
      ({ select }, i) => sql`SELECT ${value('UInt8', i)} AS g, formatRow('JSONEachRow', *) AS row FROM (${select})`,
    ),
    ' UNION ALL ',
  );
  return {
    plan: plan(union),
    members,
    why,
    take(rows) {
      const ofSelect = selects.map((): Row[] => []);
      for (const { g, row } of rows) ofSelect[Number(g)]?.push(JSON.parse(String(row)) as Row);
      return selects.flatMap(({ take }, i) => take(ofSelect[i] as Row[]));
    },
  };
}
