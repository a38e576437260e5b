import { setTimeout as sleep } from 'node:timers/promises';
import type { createChdbConnection } from 'chdb/connection';

const everyMs = 10;

/**
 * What a statement took at most, as the engine counts it: it keeps the peak of each running statement, so only what a
 * statement takes in its last milliseconds can be missed.
 */
export function createPeakReader(engine: ReturnType<typeof createChdbConnection>) {
  const read = async (): Promise<number> => {
    const query =
      "SELECT max(peak_memory_usage) FROM system.processes WHERE query NOT LIKE '%peak_memory_usage%' FORMAT TSV";
    const { stream } = await engine.query({ query });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return Number(text);
  };
  return (): (() => Promise<number>) => {
    let isOn = true;
    let most = 0;
    const watching = (async () => {
      while (isOn) {
        most = Math.max(most, await read());
        await sleep(everyMs);
      }
    })();
    return async () => {
      isOn = false;
      await watching;
      return most;
    };
  };
}
