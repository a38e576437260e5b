/** Smallest, middle and largest of the rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function toSpread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('expected at least one round, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
  return { min: sorted[0] as number, median, max: sorted.at(-1) as number };
}

/** What one contender did in one round. */
export interface Figure {
  /** Things a second: requests, events, rows. */
  readonly rate: number;
  /** The same for a second of CPU of what was measured; NaN where it cannot be told. It depends less on what else the machine does. */
  readonly ratePerCpu: number;
}

export type Contender<F extends Figure> = () => Promise<F>;

/** Each contender once to warm up, then `rounds` times in turn: A B C A B C ... */
export async function runRounds<F extends Figure>(
  contenders: Readonly<Record<string, Contender<F>>>,
  { rounds, warmUps = 1, say }: { rounds: number; warmUps?: number; say: (line: string) => void },
): Promise<Record<string, F[]>> {
  const figures: Record<string, F[]> = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const figure = await run();
      say(`${round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`}: ${name} ${Math.round(figure.rate)} a second`);
      if (round >= 0) figures[name]?.push(figure);
    }
  }
  return figures;
}

/** For each round what ours did for one of theirs. */
export function toRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) {
    throw new RangeError(`expected as many rounds of the one as of the other, got ${ours.length} and ${theirs.length}`);
  }
  return ours.map((value, round) => value / (theirs[round] as number));
}
