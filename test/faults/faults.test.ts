import { join } from 'node:path';
import { cacheRoot } from '../servers/prepared.ts';
import { describeWithOwn } from '../servers/require.ts';
import { embeddedKilled, powerLost } from './e1-embedded-killed.ts';
import { gatewayKilled } from './f01-gateway-killed.ts';
import { sinkKilled } from './f02-sink-killed.ts';
import { sinkStopped } from './f03-sink-stopped.ts';
import { leaderKilled } from './f04-leader-killed.ts';
import { answerLost } from './f05-answer-lost.ts';
import { warehouseInTrouble } from './f08-warehouse-in-trouble.ts';
import { duplicates } from './f14-duplicates.ts';
import type { Fault } from './fault.ts';
import { runFault } from './run-fault.ts';

// The short form of `npm run test:faults`: some of the faults, once each, with as few rounds as make sense. All in one
// file, since two of them side by side would be too much for a small machine.

const chosen: readonly Fault[] = [
  gatewayKilled,
  embeddedKilled,
  ...sinkKilled.filter(({ name }) => name === 'F2 after the intent' || name === 'F2 after the insert'),
  powerLost,
  sinkStopped,
  leaderKilled,
  answerLost,
  warehouseInTrouble,
  duplicates,
];

const kept = join(cacheRoot, 'faults');

describeWithOwn(['kafka', 'clickhouse'], 'nothing lost, nothing twice', (servers) => {
  test.each(chosen.map((fault) => [`${fault.name} ${fault.on}`, fault] as const))(
    '%s',
    async (name, fault) => {
      const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 1_000_000));
      const said: string[] = [];
      try {
        const { verdict, verify } = await runFault(fault, {
          seed,
          variant: seed % 3,
          short: true,
          dir: join(cacheRoot, 'runs', `${process.pid}-faults`),
          servers,
          say: (line) => void said.push(line),
          keepIn: join(kept, name.replaceAll(/\W+/g, '-')),
        });
        expect(verdict).toMatchObject({ lost: [], twice: [], phantom: [], problems: [] });
        expect(verdict.acknowledged).toBeGreaterThan(300);
        // With what it says where it finds something.
        if (verify !== null && verify.code !== 0) expect(verify).toEqual({ code: 0, output: '' });
      } catch (thrown) {
        throw new Error(`with FAULT_SEED=${seed}; logs are in ${kept}; ${said.join('; ')}`, { cause: thrown });
      }
    },
    300_000,
  );
});
