/** A trend as a reader of its changes has it, put together from what it is told; and how to ask for the same. */

export interface TrendData {
  readonly trendChanges: Change;
}

interface Name {
  readonly key: string;
  readonly letter: string | null;
  readonly label: string;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
}

interface Changes {
  readonly buckets: readonly string[];
  readonly values: readonly (number | null)[];
  readonly total: number | null;
}

interface Change {
  readonly isWhole: boolean;
  readonly buckets: readonly string[] | null;
  readonly previousBuckets: readonly string[] | null;
  readonly series: readonly (Name & Changes & { readonly place: number; readonly previous: Changes | null })[];
  readonly gone: readonly { readonly key: string }[];
  readonly meta: { readonly snapshot: string; readonly asOf: string };
}

export const trendChanges = `subscription ($input: TrendInput!) { trendChanges(input: $input) {
  isWhole buckets previousBuckets
  series { key letter label breakdown isOther place buckets values total previous { buckets values total } }
  gone { key } meta { snapshot asOf } } }`;

export const trend = `query ($input: TrendInput!) { trend(input: $input) { buckets
  series { letter label breakdown isOther values total previous { buckets values total } } } }`;

interface Row {
  readonly values: Map<string, number | null>;
  total: number | null;
}

/** Takes one change after the other; gives the answer of `trend`. */
export function createReader() {
  let buckets: readonly string[] = [];
  let previousBuckets: readonly string[] | null = null;
  let lines = new Map<string, Name & { place: number; present: Row; previous: Row | null }>();
  const put = (row: Row, { buckets: places, values, total }: Changes) => {
    for (const [i, bucket] of places.entries()) row.values.set(bucket, values[i] ?? null);
    row.total = total;
  };
  const toShown = ({ values, total }: Row, starts: readonly string[]) => ({
    values: starts.map((start) => values.get(start)),
    total,
  });
  return (change: Change) => {
    if (change.isWhole) lines = new Map();
    if (change.isWhole) previousBuckets = null;
    buckets = change.buckets ?? buckets;
    previousBuckets = change.previousBuckets ?? previousBuckets;
    for (const { key } of change.gone) lines.delete(key);
    for (const { place, previous, buckets: places, values, total, ...name } of change.series) {
      const line = lines.get(name.key) ?? {
        ...name,
        place,
        present: { values: new Map(), total: null },
        previous: null,
      };
      line.place = place;
      put(line.present, { buckets: places, values, total });
      if (previous) {
        line.previous ??= { values: new Map(), total: null };
        put(line.previous, previous);
      }
      lines.set(name.key, line);
    }
    return {
      buckets,
      series: [...lines.values()]
        .sort((a, b) => a.place - b.place)
        .map(({ letter, label, breakdown, isOther, present, previous }) => ({
          letter,
          label,
          breakdown,
          isOther,
          ...toShown(present, buckets),
          previous: previous && { buckets: previousBuckets, ...toShown(previous, previousBuckets ?? []) },
        })),
    };
  };
}
