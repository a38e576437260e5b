import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import type { LiveEvents } from '../src/reports/event-queue.ts';
import type { TrendChange } from '../src/reports/trend-grid.ts';
import { needing, toGraphQLError } from './field.ts';
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

/** Whether anywhere below the field there is a way of these names, whatever directives say of it. */
function asksFor({ fieldNodes, fragments }: GraphQLResolveInfo, way: readonly string[]): boolean {
  const isIn = (set: SelectionSetNode | undefined, [name, ...rest]: readonly string[]): boolean => {
    if (name === undefined) return true;
    return (set?.selections ?? []).some((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value === name && isIn(selection.selectionSet, rest);
      const inner =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection.selectionSet
          : fragments[selection.name.value]?.selectionSet;
      return isIn(inner, [name, ...rest]);
    });
  };
  return fieldNodes.some(({ selectionSet }) => isIn(selectionSet, way));
}
