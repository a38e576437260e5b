import type { QueryEventsArgs } from '../../../../resolvers/types.generated.ts';
import { splitMembers } from '../../../events/json-members.ts';
import type { RawEvent } from '../../../reports/events/rows.ts';
import type { Row, Table } from '../table.ts';

/** The event explorer: a row for each event. */
export const events: Table<QueryEventsArgs> = {
  name: 'events',
  parameters: '$filter: EventFilter, $range: RangeInput!, $order: EventOrder = NEWEST, $freshness: FreshnessInput',
  hasPositions: true,
  columns: [
    { name: 'messageId', type: 'text' },
    { name: 'type', type: 'text' },
    { name: 'event', type: 'text' },
    { name: 'timestamp', type: 'time' },
    { name: 'originalTimestamp', type: 'time' },
    { name: 'sentAt', type: 'time' },
    { name: 'receivedAt', type: 'time' },
    { name: 'userId', type: 'text' },
    { name: 'anonymousId', type: 'text' },
    { name: 'groupId', type: 'text' },
    { name: 'previousId', type: 'text' },
    { name: 'properties', type: 'json' },
    { name: 'context', type: 'json' },
    { name: 'traits', type: 'json' },
    { name: 'position', type: 'text' },
  ],
  async open(ask, args) {
    const { meta, pages } = await ask().eventRows(args);
    return {
      meta,
      async *pages(after) {
        for await (const page of pages(after))
          yield { rows: page.map(toRow), positions: page.map(({ position }) => position) };
      },
    };
  },
};

function toRow(event: RawEvent): Row {
  const members = splitMembers(event.data);
  return [
    event.messageId,
    event.type,
    event.event,
    event.timestamp,
    event.originalTimestamp,
    event.sentAt,
    event.receivedAt,
    event.userId,
    event.anonymousId,
    event.groupId,
    event.previousId,
    members.get('properties') ?? '{}',
    members.get('context') ?? '{}',
    members.get('traits') ?? '{}',
    event.position,
  ];
}
