import { compareServers, toLatencyTable } from './contenders.ts';
import { type Benchmark, judgeRatio, toRateTable, toRatioSpread } from './report.ts';

const ours = 'tallygate serve';
const baseline = 'Mercurius with JIT, no-op';

export const single: Benchmark = {
  name: 'single',
  title: 'One event a request',
  about: `\`mutation track\` with one event in variables (about 460 bytes in the log, every messageId another one); 64 connections that are kept, each
sends its next request when the last is answered. The baseline is Mercurius with \`jit: 1\`, the same tracking schema and scalars, and a
resolver that does nothing. Ours is \`tallygate serve\` with its embedded log and warehouse: it checks the event and has it on
disk (fsync) before it answers, and its sink stores it meanwhile, on the same core. For context: our gateway with a tracker that does
nothing, our gateway with its durable log and no sink, and what HTTP alone allows (\`node:http\`, \`JSON.parse\`, a fixed answer).
Servers take turns on core 0, the load generator (autocannon) is on core 1.`,
  async run(options) {
    const figures = await compareServers(
      {
        [baseline]: 'mercurius',
        [ours]: 'serve',
        'our gateway, no-op tracker': 'idle',
        'our gateway and log, no sink': 'log',
        'node:http, JSON.parse': 'parse',
      },
      { connections: 64, seconds: 2, eventsPerRequest: 1, requests: 50_000 },
      options.rounds ?? 9,
      options,
    );
    return {
      tables: [toRateTable('requests', figures, baseline), toLatencyTable(figures)],
      verdicts: [
        judgeRatio(toRatioSpread(figures, ours, baseline), 0.5, 'durable single events, of Mercurius doing nothing'),
      ],
      notes: [],
    };
  },
};
