import { TallygateError } from '../src/errors.ts';
import type { EventInput, EventKind } from '../src/events/event.ts';
import { limits } from '../src/events/event.ts';
import type { NewEvent, Receipt } from '../src/ingest/tracker.ts';
import { needing } from './field.ts';
import { savedMutation } from './saved.ts';
import type {
  EventInput as EventUnion,
  MutationDeletePersonArgs,
  MutationResolvers,
  MutationTrackBatchArgs,
} from './types.generated.ts';

const single = (kind: EventKind) =>
  needing('write', async (caller, { input }: { input: EventInput }, { tracker }) => {
    const { results, token } = toAnswer(await tracker.track(caller, [{ kind, input }]));
    return { result: results[0]!, token };
  });

export const mutation = {
  ...savedMutation,
  track: single('track'),
  page: single('page'),
  screen: single('screen'),
  identify: single('identify'),
  group: single('group'),
  alias: single('alias'),
  trackBatch: needing('write', async (caller, { input }: MutationTrackBatchArgs, { tracker }) => {
    if (input.events.length > limits.batchEvents) {
      throw new TallygateError(
        'PAYLOAD_TOO_LARGE',
        `events: expected at most ${limits.batchEvents}, got ${input.events.length}: send the rest in another batch`,
      );
    }
    const { results, token } = toAnswer(await tracker.track(caller, input.events.map(toNewEvent), input));
    const accepted = results.reduce((sum, { status }) => (status === 'ACCEPTED' ? sum + 1 : sum), 0);
    return { accepted, rejected: results.length - accepted, results, token };
  }),
  deletePerson: needing('admin', async (caller, { id }: MutationDeletePersonArgs, { deletions }) => {
    const deletion = await deletions.request(caller, id);
    return {
      id: deletion.id,
      state: 'REQUESTED',
      requestedAt: new Date(deletion.requestedAt),
      finishedAt: null,
      ids: null,
      events: null,
      deadLetters: null,
    } as const;
  }),
} satisfies MutationResolvers;

function toNewEvent(event: EventUnion): NewEvent {
  for (const kind in event) {
    const input = event[kind as EventKind];
    if (input) return { kind: kind as EventKind, input };
  }
  throw new TallygateError(
    'INVALID_INPUT',
    'events: expected exactly one of track, page, screen, identify, group, alias',
  );
}

/** When the log took nothing, the whole mutation is to be sent again; the ids that the gateway made go along. */
function toAnswer(receipt: Receipt) {
  const { refusal, results, token } = receipt;
  if (!refusal) return { results, token };
  throw new TallygateError(
    refusal.code,
    `nothing was accepted, send it again with the same messageIds: ${refusal.message}`,
    {
      cause: refusal,
      retryAfterMs: refusal.retryAfterMs ?? 1000,
      details: { messageIds: results.map(({ messageId }) => messageId) },
    },
  );
}
