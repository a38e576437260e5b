import { TallygateError } from '../errors.ts';

export interface SlotLimits {
  /** Of all projects at once. */
  readonly most: number;
  readonly mostOfProject: number;
}

/** Takes a place until what it returns is called. Throws what `full` makes, by default TOO_MANY_EXPORTS, when there is none. */
export function createSlots(
  { most, mostOfProject }: SlotLimits,
  full: (running: string, most: number) => TallygateError = tooManyExports,
): (project: string) => () => void {
  const taken = new Map<string, number>();
  let all = 0;
  return (project) => {
    const own = taken.get(project) ?? 0;
    if (own >= mostOfProject) throw full(`${own} of this project`, mostOfProject);
    if (all >= most) throw full(`${all} of all projects`, most);
    all++;
    taken.set(project, own + 1);
    return () => {
      all--;
      const left = (taken.get(project) ?? 1) - 1;
      if (left === 0) taken.delete(project);
      else taken.set(project, left);
    };
  };
}

function tooManyExports(running: string, most: number): TallygateError {
  return new TallygateError(
    'TOO_MANY_EXPORTS',
    `expected at most ${most} exports at once, but ${running} are running here: wait until one has ended`,
    { retryAfterMs: 5000 + Math.floor(Math.random() * 5000), details: { limit: most } },
  );
}
