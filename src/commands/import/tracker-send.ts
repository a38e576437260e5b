import type { EventKind } from '../../events/event.ts';
import type { Sender, Tracker } from '../../ingest/tracker.ts';
import type { EventFields, EventInput, Send } from './event-input.ts';

/** Sends straight into a tracker of this process, as the embedded store has one. */
export function createTrackerSend(tracker: Tracker, sender: Sender, onToken?: (token: string) => void): Send {
  return async (events) => {
    const { results, token } = await tracker.track(sender, events.map(toNewEvent), { lane: 'HISTORY' });
    onToken?.(token);
    return results;
  };
}

function toNewEvent(event: EventInput) {
  const [kind, { timestamp, ...fields }] = Object.entries(event)[0] as [EventKind, EventFields];
  return { kind, input: { ...fields, ...(timestamp === undefined ? {} : { timestamp: new Date(timestamp) }) } };
}
