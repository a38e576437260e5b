import { limits, reservedNames } from '../../events/event.ts';
import { createDelivery, type DeliveryOptions } from '../import/deliver.ts';
import type { JsonObject } from '../import/event-input.ts';
import { createLanes } from '../import/lanes.ts';
import type { Mapping } from '../import/mapping.ts';
import { parseKeepingDigits } from '../import/read-ndjson.ts';
import { type Row, toCells } from '../import/row.ts';
import { toRowProblem } from '../import/row-problem.ts';
import { batchBytes } from '../import/run-import.ts';
import type { Tally } from '../import/tally.ts';
import { createToEvent, type MappedEvent, toEventInput } from '../import/to-event.ts';
import { toIdPrefix, toMessageId } from './ids.ts';
import type { Rejects } from './rejects.ts';
import type { SourceRow } from './rows.ts';
import type { Column, Table } from './table.ts';

interface CourierOptions {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly mapping: Mapping;
  /** undefined: nothing is sent. */
  readonly delivery: DeliveryOptions | undefined;
  readonly concurrency: number;
  readonly tally: Tally;
  readonly rejects: Rejects;
  readonly onEvent?: (event: MappedEvent) => void;
}

/** Ids that are kept to ask for them at the end. */
const mostAgain = 50_000;

interface Outgoing {
  readonly event: MappedEvent;
  readonly from: SourceRow;
  readonly row: Row;
}

/** Maps rows and hands them over; resolves when each one has its final answer. */
export function createCourier(options: CourierOptions) {
  const { table, columns, tally, rejects } = options;
  const names = columns.map(({ name }) => name);
  const toEvent = createToEvent(options.mapping);
  const deliver = options.delivery && createDelivery(options.delivery);
  const prefix = toIdPrefix(table.identity);
  const again = new Set<string>();

  function map(from: SourceRow): { row: Row; event: () => MappedEvent } {
    const object = parseKeepingDigits(from.json) as JsonObject;
    const row = { line: 0, names, values: names.map((name) => object[name]), typed: true };
    const ids = { next: () => toMessageId(prefix, from.id), byLine: () => 0 };
    return { row, event: () => toEvent(row, false, ids) };
  }

  function read(from: SourceRow): MappedEvent | undefined {
    try {
      return map(from).event();
    } catch (thrown) {
      if (!toRowProblem(thrown)) throw thrown;
      return undefined;
    }
  }

  const toPlace = ({ id }: SourceRow, row: Row) => ({
    file: `${table.name} ${table.rowId.map(({ name }, i) => `${name}=${id[i]}`).join(' ')}`,
    row: toCells(row),
  });

  async function refuse(from: SourceRow, row: Row, entry: Parameters<Tally['settle']>[0]): Promise<void> {
    const isNew = rejects.add(from, entry.errors[0]?.code ?? entry.status);
    if (isNew) await tally.settle(entry, toPlace(from, row));
  }

  async function send(batch: readonly Outgoing[], isAgain: boolean): Promise<void> {
    if (!deliver) return;
    const outcomes = await deliver(batch.map(({ event }) => toEventInput(event)));
    for (const [index, outcome] of outcomes.entries()) {
      const { from, row, event } = batch[index] as Outgoing;
      if (outcome.status !== 'ACCEPTED') await refuse(toCounted(from, event), row, outcome);
      else {
        rejects.remove(from);
        if (!isAgain) tally.totals.accepted++;
        else if (again.size < mostAgain) again.add(outcome.messageId);
      }
    }
  }

  return {
    /** Ids of rows that were sent because they came or changed after the first pass began. */
    again: (): readonly string[] => [...again],
    /** Under which id a row is sent; undefined where it is no event. */
    messageId(from: SourceRow): string | undefined {
      return read(from)?.fields.messageId;
    },
    /** When and what a row is by the mapping; undefined where it is no event. */
    place(from: SourceRow): { readonly millis: number; readonly event: string } | undefined {
      const event = read(from);
      return event && placeOf(event);
    },
    /** `isAgain`: rows that an earlier pass may have brought; they count no second time. */
    async deliver(rows: readonly SourceRow[], isAgain: boolean): Promise<void> {
      const lanes = createLanes(options.concurrency);
      let batch: Outgoing[] = [];
      let bytes = 0;
      const flush = async () => {
        const outgoing = batch;
        batch = [];
        bytes = 0;
        if (outgoing.length > 0) await lanes.start(() => send(outgoing, isAgain));
      };
      try {
        for (const from of rows) {
          if (!isAgain) tally.totals.rows++;
          const { row, event: toMapped } = map(from);
          let event: MappedEvent;
          try {
            event = toMapped();
          } catch (thrown) {
            const problem = toRowProblem(thrown);
            if (!problem) throw thrown;
            const { code, message } = problem;
            const isNew = rejects.add(from, code);
            if (isNew) await tally.reject({ ...toPlace(from, row), status: 'UNREADABLE', code, message, path: [] });
            continue;
          }
          options.onEvent?.(event);
          if (batch.length === limits.batchEvents || bytes + event.bytes > batchBytes) await flush();
          batch.push({ event, from, row });
          bytes += event.bytes;
        }
        await flush();
      } finally {
        await lanes.drain();
      }
    },
  };
}

function placeOf({ kind, fields }: MappedEvent): { millis: number; event: string } {
  return {
    millis: Date.parse(fields.timestamp),
    event: kind === 'track' ? (fields.event as string) : reservedNames[kind],
  };
}

/** Where SQL could not say when and what a row is, the mapping does. */
function toCounted(from: SourceRow, event: MappedEvent): SourceRow {
  return from.millis === null && from.event === null ? { ...from, ...placeOf(event) } : from;
}

export type Courier = ReturnType<typeof createCourier>;
