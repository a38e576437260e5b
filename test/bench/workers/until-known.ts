import { setTimeout as sleep } from 'node:timers/promises';

/** A log on servers learns the number of its partitions a moment after it was opened. */
export async function untilKnown(partitions: () => number): Promise<number> {
  for (const deadline = performance.now() + 30_000; ; await sleep(100)) {
    try {
      return partitions();
    } catch (thrown) {
      if (performance.now() > deadline) throw thrown;
    }
  }
}
