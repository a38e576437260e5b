import { TallygateError } from '../../src/errors.ts';
import type {
  Commit,
  Consumption,
  EventLog,
  LogRecord,
  PartitionLease,
  TakeLimits,
} from '../../src/ports/event-log.ts';
import type { InsertOptions, QueryResult, Statement, Warehouse } from '../../src/ports/warehouse.ts';

/**
 * A world for the real sink: one partition, its group and the warehouse are simulated, and every step that a sink takes
 * outside of itself waits until the world lets it go on. The world is driven by one seed, so that a history can be
 * played again: who goes on, who is cut off, whose answer gets lost, when the partition moves.
 */
export interface Mistakes {
  /** A commit of a sink that has lost its lease is taken all the same. */
  readonly unfencedCommit?: boolean;
  /** The group forgets which range is being stored. */
  readonly noIntent?: boolean;
  /** Each repair has a token that nobody else has. */
  readonly freshRepairToken?: boolean;
  /** Tokens name what is inserted, not the raw range. */
  readonly tokenOfRest?: boolean;
  /** The window of repeats is read from all rows, not from those below the range. */
  readonly windowOfAll?: boolean;
  /** Nothing is read back. */
  readonly noReadBack?: boolean;
}

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

type Row = {
  readonly log_offset: number;
  readonly message_id: string;
  readonly project: string;
  readonly received_at: string;
};
interface LedgerRow {
  readonly phase: string;
  readonly first_offset: number;
  readonly last_offset: number;
  readonly project: string;
  readonly stored: number;
  readonly deduplicated: number;
  readonly dead_lettered: number;
  readonly newest_received_at: string;
  readonly token: string;
}

export function createWorld(random: () => number, mistakes: Mistakes) {
  const records: LogRecord[] = [];
  const actors: Actor[] = [];
  let committed: Commit = { next: 0, end: null };
  let generation = 0;
  let owner: Actor | null = null;
  const tables = { events: [] as Row[], dead_letters: [] as Row[], repeats: [] as Row[], ledger: [] as LedgerRow[] };
  const tokens = new Set<string>();
  /** Inserts that were sent by somebody who is gone: they may land at any time. */
  const late: (() => void)[] = [];
  let faults = true;
  let fresh = 0;

  const chance = (share: number) => faults && random() < share;

  /** Resolves when the world lets the actor go on; never when it is dead. */
  const step = (actor: Actor) => new Promise<void>((resolve) => actor.steps.push(resolve));

  const land = (table: keyof typeof tables, lines: Buffer, token: string, losesRows: boolean) => {
    if (tokens.has(`${table} ${token}`)) return;
    tokens.add(`${table} ${token}`);
    if (losesRows) return;
    for (const line of lines.toString().split('\n')) if (line) tables[table].push(JSON.parse(line));
  };

  const insert = async (actor: Actor, table: keyof typeof tables, lines: Buffer, options: InsertOptions) => {
    let { token } = options;
    if (mistakes.freshRepairToken && token.includes(':repair:')) token += `:${++fresh}`;
    if (mistakes.tokenOfRest && table === 'events')
      token = `rest:${lines.toString().replaceAll(/"log_offset":\d+,/g, '')}`;
    await step(actor);
    if (chance(0.06)) {
      // Sent, and on its way for as long as it likes.
      late.push(() => land(table, lines, token, false));
      await step(actor);
      throw away();
    }
    // An engine that dies between noting the token and keeping the rows has the one without the other.
    const dies = chance(0.04);
    land(table, lines, token, dies);
    const lost = dies || chance(0.08);
    await step(actor);
    if (lost) throw away();
  };

  const inRange = <T extends { log_offset: number }>(rows: readonly T[], first: number, last: number) =>
    rows.filter(({ log_offset }) => log_offset >= first && log_offset <= last);

  /** What the sink's statements ask for, told apart by their labels and words. */
  const answer = ({ sql, params = {} }: Statement, label: string): unknown[] => {
    const completed = tables.ledger.filter(({ phase }) => phase === 'completed');
    const { first = 0, last = 0, from = 0, asOf = 0 } = params as Record<string, number>;
    if (label === 'epoch') return [{ epoch: 0 }];
    if (label === 'read-back') {
      const all = [...tables.events, ...tables.dead_letters, ...tables.repeats];
      const present = mistakes.noReadBack
        ? Array.from({ length: last - first + 1 }, (_, i) => first + i)
        : inRange(all, first, last).map(({ log_offset }) => log_offset);
      return [{ present: [...new Set(present)].map(String), rows: String(new Set(present).size) }];
    }
    if (label === 'ledger' && sql.includes('LIMIT 1')) {
      const row = completed.toSorted((a, b) => b.last_offset - a.last_offset)[0];
      return row ? [{ first: String(row.first_offset), last: String(row.last_offset), token: row.token }] : [];
    }
    if (label === 'ledger' && sql.includes('DISTINCT')) {
      return completed
        .filter(({ last_offset }) => last_offset >= from)
        .map((row) => ({ first: String(row.first_offset), last: String(row.last_offset) }));
    }
    if (label === 'window' && sql.includes('newest_received_at')) {
      const below = completed.filter(({ first_offset }) => mistakes.windowOfAll || first_offset < asOf);
      return [{ newest: below.length === 0 ? null : '1772366400000' }];
    }
    if (label === 'window') {
      const known = [...tables.events, ...tables.dead_letters].filter(
        ({ log_offset }) => mistakes.windowOfAll || log_offset < asOf,
      );
      return known.map(({ project, message_id, log_offset }) => ({
        project,
        message_id,
        received: '1772366400000',
        log_offset: String(log_offset),
      }));
    }
    throw new Error(`expected a statement of the sink, got ${label}: ${sql}`);
  };

  const createLease = (actor: Actor, held: NonNullable<Actor['lease']>): PartitionLease => {
    let next = committed.next;
    return {
      partition: 0,
      committed,
      lost: held.lost.signal,
      stopping: held.stopping.signal,
      async take({ maxRecords, upTo }: TakeLimits) {
        await step(actor);
        if (held.lost.signal.aborted) throw leaseLost();
        const some = 1 + Math.floor(random() * maxRecords);
        const taken = records.slice(next, Math.min(next + some, (upTo ?? Number.MAX_SAFE_INTEGER) + 1));
        if (held.stopping.signal.aborted) return [];
        next += taken.length;
        return taken;
      },
      async commit(wanted) {
        await step(actor);
        const fenced = held.generation !== generation || actor !== owner;
        if (fenced && !mistakes.unfencedCommit) throw leaseLost();
        committed = mistakes.noIntent ? { ...wanted, end: null } : wanted;
        await step(actor);
        if (held.generation !== generation && !mistakes.unfencedCommit) throw leaseLost();
      },
    };
  };

  const createLog = (actor: Actor): EventLog => ({
    partitions: () => 1,
    append: () => Promise.reject(new Error('expected no appends by a sink')),
    ends: async () => [records.length],
    async *read(_partition, from, to) {
      await step(actor);
      yield records.slice(from, to + 1);
    },
    async consume(_group, onPartition): Promise<Consumption> {
      actor.onPartition = onPartition;
      return { ended: new Promise<void>(() => {}), stop: async () => {} };
    },
    close: async () => {},
  });

  return {
    tables,
    append(values: readonly Buffer[]) {
      for (const value of values) records.push({ offset: records.length, value });
    },
    get length() {
      return records.length;
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
    /** The group gives the partition to this sink. Whoever had it hears of it when the world lets it: a frozen one much later. */
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
      actor.onPartition?.(createLease(actor, held)).catch(() => {});
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
      tables.ledger.some(({ phase, last_offset }) => phase === 'completed' && last_offset === records.length - 1),
  };
}

function away(): TallygateError {
  return new TallygateError('WAREHOUSE_UNAVAILABLE', 'no answer');
}

function leaseLost(): TallygateError {
  return new TallygateError('LEASE_LOST', 'the partition is not ours any more');
}
