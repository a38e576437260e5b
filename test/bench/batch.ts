import { compareServers, toLatencyTable } from './contenders.ts';
import { type Benchmark, toRateTable } from './report.ts';

const baseline = 'node:http, JSON.parse';

export const batch: Benchmark = {
  name: 'batch',
  title: 'A hundred events a request',
  about: `\`mutation trackBatch\` with 100 of the same events in variables, 8 connections. The baseline reads the same bodies with \`JSON.parse\` on
\`node:http\` and answers something fixed: what no server in JavaScript can exceed. Ours is \`tallygate serve\` as above; in the CPU column the
work of its sink for the round's events is included.`,
  async run(options) {
    const figures = await compareServers(
      { [baseline]: 'parse', 'tallygate serve': 'serve', 'our gateway and log, no sink': 'log' },
      { connections: 8, seconds: 2, eventsPerRequest: 100, requests: 3000 },
      options.rounds ?? 7,
      options,
    );
    return { tables: [toRateTable('events', figures, baseline), toLatencyTable(figures)], verdicts: [], notes: [] };
  },
};
