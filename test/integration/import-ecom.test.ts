import { createImportCommand } from '../../src/commands/import.ts';
import { fetchEcom } from '../data/ecom.ts';
import { summarise } from '../data/summarise.ts';
import { startStub } from './import-stub.ts';

/** undefined where neither the cache nor pip has it; in CI that is a failure. */
const path = await fetchEcom().catch((error: Error) => {
  if (process.env.CI === 'true') throw error;
  console.warn(`SKIPPED: the example data set cannot be fetched: ${error.message}`);
  return undefined;
});

(path ? test : test.skip)('the example data set goes in whole, by the names of its columns alone', async () => {
  const gateway = await startStub();
  try {
    const codes: number[] = [];
    await createImportCommand({
      onExitCode: (code) => codes.push(code),
      openEmbeddedSend: () => Promise.reject(new Error('no embedded store here')),
    }).parseAsync([path as string, '--url', gateway.url, '--key', gateway.key], { from: 'user' });
    expect(codes).toEqual([0]);
    const summary = await summarise(path as string);
    const events = [...gateway.accepted.values()].map(({ track }) => track);
    expect(events).toHaveLength(summary.events);
    expect(new Set(events.map((event) => event?.userId)).size).toBe(summary.users);
    const times = events.map((event) => event?.timestamp as string).sort();
    expect([times[0], times.at(-1)]).toEqual([summary.first, summary.last]);
    const byEvent: Record<string, number> = {};
    for (const event of events) byEvent[event?.event as string] = (byEvent[event?.event as string] ?? 0) + 1;
    expect(byEvent).toEqual(summary.byEvent);
    expect(Object.keys(events[0]?.properties ?? {})).toEqual([
      'session_id',
      'platform',
      'acquisition_channel',
      'user_cohort',
      'user_lifecycle',
    ]);
  } finally {
    await gateway.close();
  }
});
