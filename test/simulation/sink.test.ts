import { parseEvent } from '../../src/events/parse.ts';
import { toStreamOf, toStreamParts } from '../../src/events/position.ts';
import { encodeRecord } from '../../src/events/record.ts';
import { startSink } from '../../src/ingest/sink.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type Mistakes, receivedAt } from './tables.ts';
import { createWorld, type SinkProcess } from './world.ts';

/**
 * Thousands of histories of two sinks that crash, stop, freeze, wake up as zombies and lose answers, over the two lanes of one
 * partition, whose topic is made anew now and then.
 * SIMULATION_SEED plays one history again, SIMULATION_RUNS asks for more of them.
 */
const runs = Number(process.env.SIMULATION_RUNS ?? 1500);
const firstSeed = Number(process.env.SIMULATION_SEED ?? 1);
const metrics = createMetrics();
const logger = createSilentLogger();
const arrival = { project: 'demo', keyId: 'k', receivedAt, retentionDays: undefined };

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

const lines = new Map<string, Buffer>();
/** Received at another time in each epoch: no two logs begin with the same bytes. */
function toRecord(id: number, epoch: number): Buffer {
  let line = lines.get(`${epoch}:${id}`);
  if (!line) {
    const arrived = { ...arrival, receivedAt: receivedAt + epoch };
    line = encodeRecord(parseEvent('track', { event: 'E', userId: 'u', messageId: `m${id}` }, arrived).event!, arrived);
    lines.set(`${epoch}:${id}`, line);
  }
  return line;
}

/** What was appended to the two lanes, ids by offset, in the present epoch. */
type Sent = [number[], number[]];

/** Plays one history and says what is wrong at its end; null when nothing is. */
async function play(seed: number, mistakes: Mistakes): Promise<string | null> {
  const random = createRandom(seed);
  const world = createWorld(random, mistakes);
  const sent: Sent = [[], []];
  let names = 0;
  const append = () => {
    const some = Array.from({ length: 1 + Math.floor(random() * 5) }, () => Math.floor(random() * 25));
    const lane = random() < 0.7 ? 0 : 1;
    sent[lane].push(...some);
    world.append(
      lane,
      some.map((id) => toRecord(id, world.epoch)),
    );
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
  const some = () => alive[Math.floor(random() * alive.length)]!;

  const alive = [await start(), await start()];
  append();
  world.assign(alive[0]!.name);
  for (let i = 0; i < 200; i++) {
    const roll = random();
    if (roll < 0.05) append();
    else if (roll < 0.09) world.assign(some().name);
    else if (roll < 0.12) {
      const victim = alive.splice(Math.floor(random() * alive.length), 1)[0]!;
      world.kill(victim.name);
      alive.push(await start());
      world.assign(some().name);
    } else if (roll < 0.16) world.freeze(some().name, random() < 0.5);
    else if (roll < 0.163) {
      world.recreate();
      sent[0] = [];
      sent[1] = [];
      append();
      world.assign(some().name);
    } else if (roll < 0.19) world.stop(some().name);
    else await world.advance();
  }

  world.heal();
  // Zombies wake up beside the one that has the partition now.
  for (const { name } of alive) world.freeze(name, false);
  const last = await start();
  world.assign(last.name);
  for (let i = 0; i < 4000 && !world.isStored(); i++) await world.advance();
  for (let i = 0; i < 60; i++) await world.advance();
  world.landAll();
  for (const { name } of alive) world.kill(name);
  world.kill(last.name);
  return judge(sent, world);
}

function judge(sent: Sent, { tables, isStored, epoch }: ReturnType<typeof createWorld>): string | null {
  if (!isStored()) return 'the end of the log was never stored';
  const all = [...tables.events, ...tables.dead_letters, ...tables.repeats];
  const places = all.map(({ log_stream, log_offset }) => `${log_stream}:${log_offset}`);
  if (new Set(places).size < places.length)
    return `position ${places.find((place, i) => places.indexOf(place) !== i)} is stored twice`;
  for (const partition of [0, 1] as const) {
    const stream = toStreamOf(epoch, partition);
    const ids = sent[partition];
    const known = new Set(places);
    const lost = ids.findIndex((_, offset) => !known.has(`${stream}:${offset}`));
    if (lost >= 0) return `position ${lost} of lane ${partition} is lost`;
    const completed = tables.ledger
      .filter(({ phase, log_stream }) => phase === 'completed' && log_stream === stream)
      .sort((a, b) => a.first_offset - b.first_offset);
    let next = 0;
    for (const { first_offset, last_offset } of completed) {
      if (first_offset !== next) return `the ledger of lane ${partition} goes from ${next - 1} to ${first_offset}`;
      next = last_offset + 1;
    }
    const total = (column: 'stored' | 'deduplicated' | 'dead_lettered') =>
      completed.reduce((sum, row) => sum + row[column], 0);
    const rows = (table: 'events' | 'repeats') =>
      tables[table].filter(({ log_stream }) => log_stream === stream).length;
    if (total('stored') !== rows('events') || total('deduplicated') !== rows('repeats'))
      return `the ledger of lane ${partition} does not add up`;
    const rollup = tables.rollup_hourly.filter(({ log_stream }) => log_stream === stream);
    if (rollup.reduce((sum, { events }) => sum + events, 0) !== rows('events'))
      return `the rollup of lane ${partition} does not count what the table counts`;
  }
  const counted = tables.events
    .filter(({ log_stream }) => toStreamParts(log_stream).epoch === epoch)
    .map(({ message_id }) => message_id);
  const doubled = counted.find((id, i) => counted.indexOf(id) !== i);
  if (doubled !== undefined) return `${doubled} counts twice`;
  const everCounted = new Set(tables.events.map(({ message_id }) => message_id));
  const uncounted = sent.flat().find((id) => !everCounted.has(`m${id}`));
  if (uncounted !== undefined) return `m${uncounted} does not count`;
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
  'a rollup that is not compared': { rollupUnread: true },
  'a commit of an earlier log that is trusted': { trustsOldCommits: true },
  'both lanes open at once': { bothOpen: true },
  'lanes that do not know each other': { lanesApart: true },
};

test.each(Object.entries(mistakes))(
  '%s is found',
  async (_, made) => {
    for (let seed = 1; seed <= 6000; seed++) if (await play(seed, made)) return;
    throw new Error('expected a history that shows the mistake, found none');
  },
  600_000,
);
