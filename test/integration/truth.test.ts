import fc from 'fast-check';
import { live } from '../oracle/truth.ts';
import { type Life, lives } from '../oracle/truth-life.ts';
import { openWorld, type World } from '../oracle/truth-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const effort = Number(process.env.ORACLE_RUNS ?? 1);
/** How long to look for a shorter life that fails, in milliseconds. */
const shrinkMs = Number(process.env.ORACLE_SHRINK_MS ?? 60_000);

test('whatever happens in whatever order, every answer is what plain counting gives of what its snapshot has', async () => {
  let failedAt = Number.POSITIVE_INFINITY;
  await fc.assert(
    fc.asyncProperty(lives, async (life: Life) => {
      if (Date.now() > failedAt + shrinkMs) return;
      try {
        await live(world, life);
      } catch (thrown) {
        failedAt = Math.min(failedAt, Date.now());
        throw thrown;
      }
    }),
    { numRuns: Math.ceil(40 * effort), includeErrorInReport: true },
  );
}, 1_200_000);

test('gateways of which neither is further than the other share a cache, and no answers', async () => {
  const stage = world.open('one cache');
  const send = async (userId: string, n: number) => {
    const messageId = `${userId} ${n}`;
    return stage.send({ kind: 'track', input: { event: 'A', userId, messageId, properties: { n } } });
  };
  const ask = async (gateway: number) => {
    const operation = stage.gateways[gateway]!.reports.begin(stage.project, new AbortController().signal);
    const series = [{ event: 'A', measure: 'SUM' as const, property: 'n' }];
    const [sum, all] = await Promise.all([
      operation.trend({ range: { last: '2d' }, series, freshness: { maxAgeMs: 0.5 } }),
      operation.trend({ range: { last: '2d' }, series, cumulative: true, breakdown: [{ property: '$userId' }] }),
    ]);
    expect(all.series.reduce((total, { values }) => total + (values.at(-1) as number), 0)).toBe(sum.series[0]!.total);
    return sum.series[0]!.total;
  };
  const first = await send('u0', 1);
  let other = 'u0';
  let second = first;
  for (let i = 1; second.stream === first.stream; i++) {
    other = `u${i}`;
    second = await send(other, 0);
  }
  await world.untilStored();
  expect([await ask(0), await ask(1)]).toEqual([1, 1]);
  stage.gateways[0]!.hold(second.stream);
  stage.gateways[1]!.hold(first.stream);
  for (const [id, n] of [
    ['u0', 10],
    [other, 100],
  ] as const)
    await send(id, n);
  await world.untilStored();
  expect([await ask(0), await ask(1)]).toEqual([11, 101]);
  for (const gateway of stage.gateways) gateway.letGo();
  expect([await ask(0), await ask(1)]).toEqual([111, 111]);
  await stage.stop();
}, 120_000);
