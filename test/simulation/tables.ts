import { historyLane, toStreamParts } from '../../src/events/position.ts';
import { encodeSlots } from '../../src/ingest/id-slot.ts';
import type { Statement } from '../../src/ports/warehouse.ts';

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
  /** The rollup is not compared with the table. */
  readonly rollupUnread?: boolean;
  /** What the group has committed of a log before this one is taken for this one's. */
  readonly trustsOldCommits?: boolean;
  /** Nothing is read back. */
  readonly noReadBack?: boolean;
  /** A range of one lane stays open while one of the other lane is opened. */
  readonly bothOpen?: boolean;
  /** The history lane does not look at what the live lane has. */
  readonly lanesApart?: boolean;
}

type Row = {
  readonly log_stream: number;
  readonly log_offset: number;
  readonly message_id: string;
  readonly project: string;
  readonly received_at: string;
  readonly fingerprint: number;
};
interface LedgerRow {
  readonly phase: string;
  readonly log_stream: number;
  readonly first_offset: number;
  readonly last_offset: number;
  readonly project: string;
  readonly stored: number;
  readonly deduplicated: number;
  readonly dead_lettered: number;
  readonly newest_received_at: string;
  readonly token: string;
}

/** Of one insert: all events here have the same name and hour. */
interface RollupRow {
  readonly log_stream: number;
  readonly first_offset: number;
  readonly last_offset: number;
  readonly events: number;
}

/** Of every record, in milliseconds since 1970. */
export const receivedAt = Date.UTC(2026, 2, 1, 12);

function toSlotFacts({ project, message_id, fingerprint }: Row) {
  return { project, messageId: message_id, receivedAt, fingerprint };
}

/** The warehouse of the simulation: what an insert leaves, and what the sink's statements answer. */
export function createTables(mistakes: Mistakes, epoch: () => number) {
  const tables = {
    events: [] as Row[],
    dead_letters: [] as Row[],
    repeats: [] as Row[],
    ledger: [] as LedgerRow[],
    rollup_hourly: [] as RollupRow[],
  };
  const tokens = new Set<string>();

  const land = (table: keyof typeof tables, lines: Buffer, token: string, loses: 'nothing' | 'rows' | 'view') => {
    if (tokens.has(`${table} ${token}`)) return;
    tokens.add(`${table} ${token}`);
    if (loses === 'rows') return;
    const rows = lines
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    for (const row of rows) tables[table].push(row);
    if (table !== 'events' || loses === 'view') return;
    const offsets = rows.map(({ log_offset }: Row) => log_offset);
    tables.rollup_hourly.push({
      log_stream: rows[0].log_stream,
      first_offset: Math.min(...offsets),
      last_offset: Math.max(...offsets),
      events: rows.length,
    });
  };

  const inRange = (rows: readonly Row[], stream: number, first: number, last: number) =>
    rows.filter(({ log_stream, log_offset }) => log_stream === stream && log_offset >= first && log_offset <= last);

  const kept = () => [...tables.events, ...tables.dead_letters];

  /** What the sink's statements ask for, told apart by their labels and words. */
  const answer = ({ sql, params = {} }: Statement, label: string): unknown[] => {
    const { stream = 0, first = 0, last = 0, from = 0 } = params as Record<string, number>;
    const completed = tables.ledger.filter(({ phase, log_stream }) => phase === 'completed' && log_stream === stream);
    if (label === 'epoch') return [{ epoch: epoch() }];
    if (label === 'ledger' && sql.includes('GROUP BY log_stream')) {
      const lasts = new Map<number, number>();
      for (const { phase, log_stream, last_offset } of tables.ledger)
        if (phase === 'completed') lasts.set(log_stream, Math.max(last_offset, lasts.get(log_stream) ?? -1));
      return [...lasts].map(([log_stream, last]) => ({ log_stream, last: String(last) }));
    }
    if (label === 'read-back') {
      const all = [...tables.events, ...tables.dead_letters, ...tables.repeats];
      const present = mistakes.noReadBack
        ? Array.from({ length: last - first + 1 }, (_, i) => first + i)
        : inRange(all, stream, first, last).map(({ log_offset }) => log_offset);
      return [{ present: [...new Set(present)].map(String), rows: String(new Set(present).size) }];
    }
    if (label === 'ledger' && sql.includes('LIMIT 1')) {
      if (mistakes.trustsOldCommits && toStreamParts(stream).epoch < epoch()) return [];
      const row = completed.toSorted((a, b) => b.last_offset - a.last_offset)[0];
      return row ? [{ first: String(row.first_offset), last: String(row.last_offset), token: row.token }] : [];
    }
    if (label === 'ledger' && sql.includes('DISTINCT')) {
      return completed
        .filter(({ last_offset }) => last_offset >= from)
        .map((row) => ({ first: String(row.first_offset), last: String(row.last_offset) }));
    }
    if (label === 'window' && sql.includes('AS low')) {
      const { asOf = 0 } = params as Record<string, number>;
      const below = completed.filter(({ first_offset }) => mistakes.windowOfAll || first_offset < asOf);
      return [{ low: below.length === 0 ? null : String(receivedAt) }];
    }
    if (label === 'window' && sql.includes('min(first_offset)')) {
      const rows = tables.ledger.filter(({ phase }) => phase === 'completed');
      return (params.streams as number[]).flatMap((log_stream) => {
        const firsts = rows.filter((row) => row.log_stream === log_stream).map(({ first_offset }) => first_offset);
        return firsts.length === 0 ? [] : [{ log_stream, first: String(Math.min(...firsts)) }];
      });
    }
    if (label === 'window') {
      const { to = 0 } = params as Record<string, number>;
      const isOther = mistakes.lanesApart && toStreamParts(stream).lane === historyLane;
      const rows = isOther
        ? []
        : inRange(kept(), stream, from, mistakes.windowOfAll ? Number.MAX_SAFE_INTEGER : to - 1);
      return [{ slots: encodeSlots(String(params.key), rows.map(toSlotFacts)) }];
    }
    if (label === 'lookup') {
      const {
        live = 0,
        history = 0,
        liveFrom = 0,
        liveTo = 0,
        historyFrom = 0,
        historyTo = 0,
      } = params as Record<string, number>;
      const ids = new Set(params.ids as string[]);
      const rows = [
        ...(mistakes.lanesApart ? [] : inRange(kept(), live, liveFrom, liveTo - 1)),
        ...inRange(kept(), history, historyFrom, historyTo - 1),
        ...(params.olderStreams as number[]).flatMap((older, i) =>
          inRange(kept(), older, 0, (params.olderLasts as number[])[i] as number),
        ),
      ];
      return rows
        .filter(({ message_id }) => ids.has(message_id))
        .map(({ project, message_id, log_stream, log_offset, fingerprint }) => ({
          project,
          message_id,
          log_stream,
          log_offset: String(log_offset),
          received: String(receivedAt),
          happened: String(receivedAt),
          fingerprint,
        }));
    }
    // Nobody is merged here, nor deleted.
    if (label === 'edges-check' || label === 'deletions') return [];
    if (label === 'rollup-check') {
      const events = inRange(tables.events, stream, first, last);
      const rollup = tables.rollup_hourly
        .filter((r) => r.log_stream === stream && r.first_offset >= first && r.last_offset <= last)
        .reduce((sum, r) => sum + r.events, 0);
      if (mistakes.rollupUnread || events.length === rollup) return [];
      const offsets = events.map(({ log_offset }) => log_offset);
      return [
        {
          project: 'demo',
          event: 'E',
          hour: '0',
          events: String(events.length),
          rollup: String(rollup),
          first: String(Math.min(...offsets, last)),
          last: String(Math.max(...offsets, first)),
          oldest: '0',
          newest: '0',
        },
      ];
    }
    throw new Error(`expected a statement of the sink, got ${label}: ${sql}`);
  };

  return { tables, land, answer };
}
