import type { Arrival, EventInput, EventKind } from '../../src/events/event.ts';
import { parseEvent } from '../../src/events/parse.ts';
import { encodeRecord } from '../../src/events/record.ts';
import { runAudit } from '../../src/ingest/audit/run-audit.ts';
import { eraseDeletion } from '../../src/ingest/deletion/erase.ts';
import { readOpenDeletions } from '../../src/ingest/deletion/records.ts';
import { createDeletions } from '../../src/ingest/deletion/request.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import type { CorrectableWarehouse } from '../../src/ports/warehouse.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { now } from './damaged.ts';
import type { SinkBench } from './sink-bench.ts';

interface More {
  readonly kind?: EventKind;
  readonly project?: string;
  readonly receivedAt?: number;
}

export function toRecord(
  input: Record<string, unknown>,
  { kind = 'track', project = 'demo', receivedAt = now }: More = {},
): NewRecord {
  const arrival: Arrival = { project, keyId: 'k1', receivedAt, retentionDays: undefined };
  const { event, errors } = parseEvent(kind, { event: 'E', ...input } as unknown as EventInput, arrival);
  if (!event) throw new Error(JSON.stringify(errors));
  return { key: `${project}|u`, value: encodeRecord(event, arrival) };
}

const hour = 3_600_000;

/**
 * 24 records: Ann as ann, a1 (before she was known), and old-ann; Bob beside her, also once at her computer; another Ann in
 * another project; Ann's repeats and dead letters, and Bob's. What stays when she is deleted is Bob's and the other project's.
 */
export function toStory(name: string, at = now): NewRecord[] {
  let n = 0;
  const say = (input: Record<string, unknown>, more: More = {}) =>
    toRecord({ messageId: `${name}-${n++}`, ...input }, { receivedAt: at + n * 60_000, ...more });
  const ids = { ann: `${name}-ann`, a1: `${name}-a1`, old: `${name}-old-ann`, bob: `${name}-bob`, b1: `${name}-b1` };
  const future = new Date(at + 90 * hour);
  return [
    say({ anonymousId: ids.a1, event: 'Seen' }),
    say({ anonymousId: ids.b1, event: 'Seen' }),
    say({ userId: ids.ann, event: 'Bought' }, { project: 'other' }),
    say({ userId: ids.ann, anonymousId: ids.a1, traits: { email: 'ann@example.org' } }, { kind: 'identify' }),
    say({ userId: ids.bob, anonymousId: ids.b1 }, { kind: 'identify' }),
    say({ userId: ids.ann, event: 'Bought', properties: { price: 3 } }),
    say({ userId: ids.bob, event: 'Bought', properties: { price: 4 } }),
    say({ userId: ids.old, event: 'Seen' }),
    say({ previousId: ids.old, userId: ids.ann }, { kind: 'alias' }),
    // Her own computer, and somebody else at it.
    say({ userId: ids.bob, anonymousId: ids.a1 }, { kind: 'identify' }),
    say({ anonymousId: ids.a1, event: 'Seen' }),
    say({ userId: ids.ann, event: 'Bought', messageId: `${name}-5`, properties: { price: 3 } }),
    say({ userId: ids.bob, event: 'Bought', messageId: `${name}-6`, properties: { price: 4 } }),
    say({ userId: ids.ann, event: 'Bought', timestamp: future }),
    say({ anonymousId: ids.a1, event: 'Bought', timestamp: future }),
    say({ userId: ids.bob, event: 'Bought', timestamp: future }),
    ...Array.from({ length: 8 }, (_, i) =>
      say({ userId: i % 2 === 0 ? ids.ann : ids.bob, event: `E${i % 4}`, timestamp: new Date(at - i * 26 * hour) }),
    ),
  ];
}

/** Of a story: what Ann's deletion takes out. */
export const annsEvents = 10;
export const annsDeadLetters = 2;

/** A warehouse whose user dies behind its n-th change. */
export function mortal(warehouse: CorrectableWarehouse, changes: number): CorrectableWarehouse {
  let left = changes;
  const after = async (change: () => Promise<void>) => {
    if (left === 0) throw new Error('dead');
    await change();
    if (--left === 0) throw new Error('dead');
  };
  return {
    ...warehouse,
    insert: (...of) => after(() => warehouse.insert(...of)),
    removeEvents: (...of) => after(() => warehouse.removeEvents(...of)),
    removeDeadLetters: (...of) => after(() => warehouse.removeDeadLetters(...of)),
    purge: () => after(() => warehouse.purge()),
  };
}

export type Bench = Pick<SinkBench, 'log' | 'warehouse'>;

export const request = ({ log, warehouse }: Bench, id: string, project = 'demo') =>
  createDeletions({ log, warehouse }).request({ project, keyId: 'k1' }, id);

/** Does all that are open, as the worker does. */
export async function eraseAll(warehouse: CorrectableWarehouse): Promise<void> {
  for (const deletion of await readOpenDeletions(warehouse))
    await eraseDeletion({ warehouse, logger: createSilentLogger(), signal: new AbortController().signal }, deletion);
}

/** Everything that a deep audit says but of commits, which nobody makes here. */
export async function findings(bench: Bench): Promise<string[]> {
  const report = await runAudit({ ...bench, group: 'sink', windowHours: 24, settleMs: 0 }, { isDeep: true });
  return report.findings.flatMap(({ kind, first, last, expected, got }) =>
    kind === 'COMMIT_BACK' ? [] : [`${kind} ${first}-${last}: ${expected}; ${got}`],
  );
}
