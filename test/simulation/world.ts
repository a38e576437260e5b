import { toLogRecord } from '../../src/adapters/kafka/log-record.ts';
import { TallygateError } from '../../src/errors.ts';
import { toStreamOf } from '../../src/events/position.ts';
import type {
  Commit,
  Consumption,
  EventLog,
  LogRecord,
  PartitionLease,
  TakeLimits,
} from '../../src/ports/event-log.ts';
import type { InsertOptions, QueryResult, Statement, Warehouse } from '../../src/ports/warehouse.ts';
import { createTables, type Mistakes } from './tables.ts';

export interface SinkProcess {
  readonly name: string;
  readonly log: EventLog;
  readonly warehouse: Warehouse;
}

interface Actor {
  readonly name: string;
  readonly steps: (() => void)[];
  dead: boolean;
  frozen: boolean;
  onPartition: ((lease: PartitionLease) => Promise<void>) | null;
  lease: { readonly generation: number; readonly lost: AbortController; readonly stopping: AbortController } | null;
}

/**
 * A world for the real sink: one pair of partitions, its group and the warehouse are simulated, and every step that a sink takes
 * outside of itself waits until the world lets it go on. The world is driven by one seed, so that a history can be
 * played again: who goes on, who is cut off, whose answer gets lost, when the partition moves.
 */
export function createWorld(random: () => number, mistakes: Mistakes) {
  /** Of the live and the history lane. */
  const records: [LogRecord[], LogRecord[]] = [[], []];
  const committed: [Commit, Commit] = [
    { next: 0, end: null },
    { next: 0, end: null },
  ];
  const actors: Actor[] = [];
  let epoch = 0;
  const { tables, land, answer } = createTables(mistakes, () => epoch);
  let generation = 0;
  let owner: Actor | null = null;
  /** Inserts that were sent by somebody who is gone: they may land at any time. */
  const late: (() => void)[] = [];
  let faults = true;
  let fresh = 0;

  const chance = (share: number) => faults && random() < share;

  /** Resolves when the world lets the actor go on; never when it is dead. */
  const step = (actor: Actor) => new Promise<void>((resolve) => actor.steps.push(resolve));

  const insert = async (actor: Actor, table: keyof typeof tables, lines: Buffer, options: InsertOptions) => {
    let { token } = options;
    if (mistakes.freshRepairToken && token.includes(':repair:')) token += `:${++fresh}`;
    if (mistakes.tokenOfRest && table === 'events')
      token = `rest:${lines.toString().replaceAll(/"log_offset":\d+,/g, '')}`;
    await step(actor);
    if (chance(0.06)) {
      // Sent, and on its way for as long as it likes.
      late.push(() => land(table, lines, token, 'nothing'));
      await step(actor);
      throw away();
    }
    // An engine that dies between noting the token, keeping the rows and feeding the view has some without the others.
    const dies = chance(0.04);
    land(table, lines, token, dies ? (random() < 0.5 ? 'rows' : 'view') : 'nothing');
    const lost = dies || chance(0.08);
    await step(actor);
    if (lost) throw away();
  };

  const createLease = (actor: Actor, held: NonNullable<Actor['lease']>, partition: 0 | 1): PartitionLease => {
    const log = records[partition];
    // A commit beyond the end is refused before a lease begins, and somebody resets the group.
    const { end } = committed[partition];
    if (committed[partition].next > log.length || (end !== null && end >= log.length))
      committed[partition] = { next: 0, end: null };
    let { next } = committed[partition];
    return {
      partition,
      committed: committed[partition],
      lost: held.lost.signal,
      stopping: held.stopping.signal,
      async take({ maxRecords, upTo }: TakeLimits) {
        await step(actor);
        if (held.lost.signal.aborted) throw leaseLost();
        const some = 1 + Math.floor(random() * maxRecords);
        const taken = log.slice(next, Math.min(next + some, (upTo ?? Number.MAX_SAFE_INTEGER) + 1));
        if (held.stopping.signal.aborted) return [];
        next += taken.length;
        return taken;
      },
      async commit(wanted) {
        await step(actor);
        const fenced = held.generation !== generation || actor !== owner;
        if (fenced && !mistakes.unfencedCommit) throw leaseLost();
        const closes = wanted.end === null && committed[partition].end !== null;
        if (!(mistakes.bothOpen && closes))
          committed[partition] = mistakes.noIntent ? { ...wanted, end: null } : wanted;
        await step(actor);
        if (held.generation !== generation && !mistakes.unfencedCommit) throw leaseLost();
      },
    };
  };

  const createLog = (actor: Actor): EventLog => ({
    partitions: () => 2,
    append: () => Promise.reject(new Error('expected no appends by a sink')),
    inspect: async () => records.map((log, i) => ({ begin: 0, end: log.length, committed: committed[i as 0 | 1] })),
    async *read(partition, from, to) {
      await step(actor);
      yield records[partition as 0 | 1].slice(from, to + 1);
    },
    async consume(_group, onPartition): Promise<Consumption> {
      actor.onPartition = onPartition;
      return { ended: new Promise<void>(() => {}), stop: async () => {} };
    },
    close: async () => {},
  });

  return {
    tables,
    append(partition: 0 | 1, values: readonly Buffer[]) {
      for (const value of values) records[partition].push(toLogRecord(records[partition].length, value));
    },
    addSink(name: string): SinkProcess {
      const actor: Actor = { name, steps: [], dead: false, frozen: false, onPartition: null, lease: null };
      actors.push(actor);
      return {
        name,
        log: createLog(actor),
        warehouse: {
          async query<R>(statement: Statement, { label }: { label: string }): Promise<QueryResult<R>> {
            await step(actor);
            const rows = answer(statement, label) as R[];
            await step(actor);
            if (chance(0.05)) throw away();
            return { rows, rowsRead: 0, elapsedMs: 0 };
          },
          insert: (table, lines, options) => insert(actor, table as keyof typeof tables, lines, options),
          migrate: async () => [],
          ping: async () => {},
          close: async () => {},
        },
      };
    },
    kill(name: string) {
      const actor = actors.find((each) => each.name === name)!;
      actor.dead = true;
      if (owner === actor) owner = null;
    },
    freeze(name: string, frozen: boolean) {
      actors.find((each) => each.name === name)!.frozen = frozen;
    },
    /** Asked to stop: it finishes what it has taken, commits, and is there again when it is given the pair the next time. */
    stop(name: string) {
      actors.find((each) => each.name === name)!.lease?.stopping.abort();
    },
    /** The topic is made anew and its positions are counted in another epoch. What was not stored of the old one is gone. */
    recreate() {
      generation++;
      owner = null;
      for (const actor of actors) {
        if (!actor.lease) continue;
        const { lost } = actor.lease;
        actor.lease = null;
        actor.steps.unshift(() => lost.abort());
      }
      for (const partition of [0, 1] as const) {
        records[partition] = [];
        // A sink that has not noticed may commit once more what it had of the old log.
        if (random() < 0.5) committed[partition] = { next: 0, end: null };
      }
      epoch++;
    },
    get epoch() {
      return epoch;
    },
    /** The group gives the pair to this sink. Whoever had it hears of it when the world lets it: a frozen one much later. */
    assign(name: string) {
      const actor = actors.find((each) => each.name === name)!;
      const before = actors.filter(({ lease }) => lease !== null);
      generation++;
      owner = actor;
      for (const each of before) {
        const { lost } = each.lease!;
        each.lease = null;
        each.steps.unshift(() => lost.abort());
      }
      const held = { generation, lost: new AbortController(), stopping: new AbortController() };
      actor.lease = held;
      for (const partition of [0, 1] as const) actor.onPartition?.(createLease(actor, held, partition)).catch(() => {});
    },
    /** Lets somebody who can go on take one step, or a late insert land. Resolves with false when nobody can. */
    async advance(): Promise<boolean> {
      const ready = actors.filter(({ steps, dead, frozen }) => steps.length > 0 && !dead && !frozen);
      const choices = ready.length + (late.length > 0 ? 1 : 0);
      if (choices === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        return false;
      }
      const choice = Math.floor(random() * choices);
      if (choice === ready.length) late.splice(Math.floor(random() * late.length), 1)[0]!();
      else ready[choice]!.steps.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
      return true;
    },
    /** No more faults; what is on its way lands in the end. */
    heal() {
      faults = false;
    },
    landAll() {
      for (const each of late.splice(0)) each();
    },
    isStored: () =>
      records.every(
        (log, partition) =>
          log.length === 0 ||
          tables.ledger.some(
            ({ phase, log_stream, last_offset }) =>
              phase === 'completed' && log_stream === toStreamOf(epoch, partition) && last_offset === log.length - 1,
          ),
      ),
  };
}

function away(): TallygateError {
  return new TallygateError('WAREHOUSE_UNAVAILABLE', 'no answer');
}

function leaseLost(): TallygateError {
  return new TallygateError('LEASE_LOST', 'the partition is not ours any more');
}
