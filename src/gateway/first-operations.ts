import { stripIgnoredCharacters } from 'graphql';

/**
 * What a newcomer runs first, in this order: the landing page opens them as tabs, the start prints the first ones as curl
 * lines, and the documentation quotes them. Run in order on an empty project, the reports show what the mutations sent.
 */
export interface FirstOperation {
  /** Name of the operation in the document, unique among them. */
  readonly name: string;
  /** What the credential that runs it must be allowed. */
  readonly right: 'write' | 'read';
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const trackOrder: FirstOperation = {
  name: 'TrackOrder',
  right: 'write',
  query: `# Answers once the event is on disk.
# Run it twice: a messageId counts once.
mutation TrackOrder($input: TrackInput!) {
  track(input: $input) {
    result {
      messageId
      status
      errors { code path message }
    }
    token
  }
}
`,
  variables: {
    input: {
      event: 'Order Completed',
      userId: 'user-1',
      messageId: 'first-order-1',
      properties: { revenue: 29.5, plan: 'basic' },
    },
  },
};

const trackVisits: FirstOperation = {
  name: 'TrackVisits',
  right: 'write',
  query: `# Any mix of events, answered one by one:
# a bad one never fails its neighbours.
mutation TrackVisits($input: TrackBatchInput!) {
  trackBatch(input: $input) {
    accepted
    rejected
    results {
      index
      messageId
      status
      errors { code path message }
    }
    token
  }
}
`,
  variables: {
    input: {
      events: [
        { identify: { userId: 'user-2', messageId: 'first-visit-1', traits: { plan: 'pro' } } },
        { page: { userId: 'user-2', messageId: 'first-visit-2', name: 'Pricing' } },
        { track: { event: 'Product Viewed', userId: 'user-2', messageId: 'first-visit-3' } },
        {
          track: {
            event: 'Order Completed',
            userId: 'user-2',
            messageId: 'first-visit-4',
            properties: { revenue: 50, plan: 'pro' },
          },
        },
        { track: { event: 'Product Viewed', userId: 'user-3', messageId: 'first-visit-5' } },
      ],
    },
  },
};

const ordersAndRevenue: FirstOperation = {
  name: 'OrdersAndRevenue',
  right: 'read',
  query: `# Every event acknowledged before asOf
# is in the numbers.
query OrdersAndRevenue($input: TrendInput!) {
  trend(input: $input) {
    buckets
    series {
      label
      values
      total
    }
    meta {
      asOf
      source
    }
  }
}
`,
  variables: {
    input: {
      range: { last: '7d' },
      interval: 'DAY',
      series: [
        { event: 'Order Completed', label: 'Orders', measure: 'COUNT' },
        { event: 'Order Completed', label: 'Revenue', measure: 'SUM', property: 'revenue' },
      ],
    },
  },
};

const viewToOrder: FirstOperation = {
  name: 'ViewToOrder',
  right: 'read',
  query: `# How many persons get from step to step.
query ViewToOrder($input: FunnelInput!) {
  funnel(input: $input) {
    steps {
      event
      count
      conversionFromStart
    }
    meta {
      asOf
      source
    }
  }
}
`,
  variables: {
    input: {
      range: { last: '7d' },
      steps: [{ event: 'Product Viewed' }, { event: 'Order Completed' }],
    },
  },
};

const whatIsThere: FirstOperation = {
  name: 'WhatIsThere',
  right: 'read',
  query: `# Which events and properties there are.
query WhatIsThere {
  catalog {
    events {
      event
      count
      lastSeen
      properties {
        name
        types
      }
    }
    meta {
      asOf
      source
    }
  }
}
`,
  variables: {},
};

export const firstOperations = [trackOrder, trackVisits, ordersAndRevenue, viewToOrder, whatIsThere] as const;

export interface CurlTarget {
  /** Address of the GraphQL endpoint, with its path. */
  readonly url: string;
  /** Secret of a credential that has the operation's right. */
  readonly token: string;
}

/** One line that runs the operation when it is pasted into a POSIX shell, an interactive bash with history included. */
export function toCurl(operation: FirstOperation, target: CurlTarget): string {
  const variables = Object.keys(operation.variables).length > 0 ? { variables: operation.variables } : {};
  const body = JSON.stringify({ query: stripIgnoredCharacters(operation.query), ...variables });
  return [
    'curl -sS',
    quote(target.url),
    `-H ${quote('Content-Type: application/json')}`,
    `-H ${quote(`Authorization: Bearer ${target.token}`)}`,
    `-d ${quote(body)}`,
  ].join(' ');
}

/** Between single quotes a shell leaves everything alone, history's ! included, but the single quote itself. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
