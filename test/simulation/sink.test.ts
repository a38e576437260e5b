import { parseEvent } from '../../src/events/parse.ts';
import { encodeRecord } from '../../src/events/record.ts';
import { startSink } from '../../src/ingest/sink.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createWorld, type Mistakes, type SinkProcess } from './world.ts';

/**
 * Thousands of histories of two sinks that crash, freeze, wake up as zombies and lose answers, over one partition.
 * SIMULATION_SEED plays one history again, SIMULATION_RUNS asks for more of them.
 */
const runs = Number(process.env.SIMULATION_RUNS ?? 1500);
const firstSeed = Number(process.env.SIMULATION_SEED ?? 1);
const metrics = createMetrics();
const logger = createSilentLogger();
const arrival = { project: 'demo', keyId: 'k', receivedAt: Date.UTC(2026, 2, 1, 12), retentionDays: undefined };

/** mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c, public domain. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const lines = new Map<number, Buffer>();
function toRecord(id: number): Buffer {
  let line = lines.get(id);
  if (!line) {
    line = encodeRecord(parseEvent('track', { event: 'E', userId: 'u', messageId: `m${id}` }, arrival).event!, arrival);
    lines.set(id, line);
  }
  return line;
}

/** Plays one history and says what is wrong at its end; null when nothing is. */
async function play(seed: number, mistakes: Mistakes): Promise<string | null> {
  const random = createRandom(seed);
  const world = createWorld(random, mistakes);
  const ids: number[] = [];
  let names = 0;
  const append = () => {
    const some = Array.from({ length: 1 + Math.floor(random() * 5) }, () => Math.floor(random() * 25));
    ids.push(...some);
    world.append(some.map(toRecord));
  };
  const start = async (): Promise<SinkProcess> => {
    const sink = world.addSink(`sink-${++names}`);
    await startSink({
      ...sink,
      metrics,
      logger,
      options: {
        group: 'g',
        batchRows: 6,
        batchBytes: 1e9,
        lingerMs: 0,
        windowHours: 24,
        verifyRecent: false,
        retryMs: 0,
      },
    });
    return sink;
  };

  const alive = [await start(), await start()];
  append();
  world.assign(alive[0]!.name);
  for (let i = 0; i < 160; i++) {
    const roll = random();
    if (roll < 0.05) append();
    else if (roll < 0.09) world.assign(alive[Math.floor(random() * alive.length)]!.name);
    else if (roll < 0.12) {
      const victim = alive.splice(Math.floor(random() * alive.length), 1)[0]!;
      world.kill(victim.name);
      alive.push(await start());
      world.assign(alive[Math.floor(random() * alive.length)]!.name);
    } else if (roll < 0.16) world.freeze(alive[Math.floor(random() * alive.length)]!.name, random() < 0.5);
    else await world.advance();
  }

  world.heal();
  // Zombies wake up beside the one that has the partition now.
  for (const { name } of alive) world.freeze(name, false);
  const last = await start();
  world.assign(last.name);
  for (let i = 0; i < 3000 && !world.isStored(); i++) await world.advance();
  for (let i = 0; i < 60; i++) await world.advance();
  world.landAll();
  for (const { name } of alive) world.kill(name);
  world.kill(last.name);
  return judge(ids, world);
}

function judge(ids: readonly number[], { tables, isStored }: ReturnType<typeof createWorld>): string | null {
  if (!isStored()) return 'the end of the log was never stored';
  const places = [...tables.events, ...tables.dead_letters, ...tables.repeats]
    .map(({ log_offset }) => log_offset)
    .sort((a, b) => a - b);
  const lost = ids.findIndex((_, offset) => !places.includes(offset));
  if (lost >= 0) return `position ${lost} is lost`;
  const twice = places.find((place, i) => places[i - 1] === place);
  if (twice !== undefined) return `position ${twice} is stored twice`;
  const counted = tables.events.map(({ message_id }) => message_id);
  const doubled = counted.find((id, i) => counted.indexOf(id) !== i);
  if (doubled !== undefined) return `${doubled} counts twice`;
  const uncounted = ids.find((id) => !counted.includes(`m${id}`));
  if (uncounted !== undefined) return `m${uncounted} does not count`;
  const completed = tables.ledger
    .filter(({ phase }) => phase === 'completed')
    .sort((a, b) => a.first_offset - b.first_offset);
  let next = 0;
  for (const { first_offset, last_offset } of completed) {
    if (first_offset !== next) return `the ledger goes from ${next - 1} to ${first_offset}`;
    next = last_offset + 1;
  }
  const total = (column: 'stored' | 'deduplicated' | 'dead_lettered') =>
    completed.reduce((sum, row) => sum + row[column], 0);
  if (total('stored') !== tables.events.length || total('deduplicated') !== tables.repeats.length)
    return 'the ledger does not add up';
  return null;
}

test(`${runs} histories lose nothing and count nothing twice`, async () => {
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    const wrong = await play(seed, {});
    if (wrong) throw new Error(`SIMULATION_SEED=${seed}: ${wrong}`);
  }
}, 600_000);

const mistakes: Record<string, Mistakes> = {
  'a commit that is not fenced': { unfencedCommit: true },
  'no intent': { noIntent: true },
  'a repair under a fresh token': { freshRepairToken: true },
  'a token over what is left after removing repeats': { tokenOfRest: true },
  'a window rebuilt from the whole table': { windowOfAll: true },
  'nothing read back': { noReadBack: true },
};

test.each(Object.entries(mistakes))(
  '%s is found',
  async (_, made) => {
    for (let seed = 1; seed <= 6000; seed++) if (await play(seed, made)) return;
    throw new Error('expected a history that shows the mistake, found none');
  },
  600_000,
);
