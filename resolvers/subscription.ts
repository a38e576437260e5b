import type { LiveEvents } from '../src/reports/events/queue.ts';
import type { TrendChange } from '../src/reports/trend/grid.ts';
import { asksFor, needing, toGraphQLError } from './field.ts';
import type { SubscriptionLiveEventsArgs, SubscriptionTrendChangesArgs } from './types.generated.ts';

export const subscription = {
  liveEvents: {
    subscribe: needing('read', ({ project }, { filter }: SubscriptionLiveEventsArgs, context, info) =>
      context.reports(project).liveEvents(filter, asksFor(info, ['events', 'person'])),
    ),
    resolve: toMessage<LiveEvents>,
  },
  trendChanges: {
    subscribe: needing('read', ({ project }, { input }: SubscriptionTrendChangesArgs, context) =>
      context.reports(project).trendChanges(input),
    ),
    resolve: toMessage<TrendChange>,
  },
};

/** What ends a subscription is its last message. */
function toMessage<Message>(message: Message | Error): Message {
  if (message instanceof Error) throw toGraphQLError(message);
  return message;
}
