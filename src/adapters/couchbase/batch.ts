/** What an operation came to: an answer of its caller's kinds; failed: asked without an answer; late: not even asked. */
export type Outcome<Answer extends string> = Answer | 'failed' | 'late';

/** Bounds what is in flight, over all batches. */
export interface Lanes {
  free: number;
  /** Batches that have more to ask; each takes free lanes when it is called. */
  readonly waiting: Set<() => void>;
}

export interface Batch<Answer extends string> {
  readonly size: number;
  readonly lanes: Lanes;
  /** Milliseconds for one operation. */
  readonly operationMs: number;
  /** Milliseconds for all of them. */
  readonly wholeMs: number;
  readonly operate: (index: number, timeoutMs: number) => Promise<Answer>;
}

/** So many failures without an answer, and the rest of a batch is not asked. */
const hopeless = 16;
/** With less time left an operation is not worth sending. */
const leastMs = 5;

export function createLanes(limit: number): Lanes {
  return { free: limit, waiting: new Set() };
}

/** Runs the operations and counts what they came to. Resolves within wholeMs; never rejects. */
export async function runBatch<Answer extends string>(batch: Batch<Answer>): Promise<Map<Outcome<Answer>, number>> {
  const { size, lanes, operationMs, wholeMs, operate } = batch;
  const deadline = performance.now() + wholeMs;
  const tally = new Map<Outcome<Answer>, number>();
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  let asked = 0;
  let failed = 0;
  let answered = 0;

  function askMore(): void {
    let left = deadline - performance.now();
    if (left < leastMs || (answered === 0 && failed >= hopeless)) left = 0;
    while (left > 0 && asked < size && lanes.free > 0) {
      lanes.free--;
      void askOne(asked++, Math.min(operationMs, Math.ceil(left)));
    }
    if (left > 0 && asked < size) lanes.waiting.add(askMore);
    else lanes.waiting.delete(askMore);
    if (answered + failed === asked && !lanes.waiting.has(askMore)) finish();
  }

  async function askOne(index: number, timeoutMs: number): Promise<void> {
    try {
      const answer = await operate(index, timeoutMs);
      answered++;
      tally.set(answer, (tally.get(answer) ?? 0) + 1);
    } catch {
      failed++;
    }
    lanes.free++;
    askMore();
    for (const next of lanes.waiting) {
      if (lanes.free === 0) break;
      next();
    }
  }

  // Answers that arrived while this thread was busy are let in first: timers come before input in a turn of the loop.
  const timer = setTimeout(() => setImmediate(finish), wholeMs);
  askMore();
  await over;
  clearTimeout(timer);
  lanes.waiting.delete(askMore);
  return new Map(tally).set('failed', asked - answered).set('late', size - asked);
}
