import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient as createStreamClient } from 'graphql-sse';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { ask, eventually, type Role, startRole } from '../e2e/tallygate.ts';

/** A whole service in a process of its own, and real clients of its subscriptions. */
export interface SubscriptionRig {
  readonly role: Role;
  readonly url: string;
  readonly socketUrl: string;
  /** Stores nothing yet: resolves when they are acknowledged. */
  track(events: readonly object[], as?: string): Promise<string>;
  ask<Data>(query: string, variables?: Record<string, unknown>, as?: string): Promise<Data>;
  /** The sum of a metric's values whose labels have these texts. */
  metric(name: string, ...labels: readonly string[]): Promise<number>;
  socket(options?: { as?: string | null; headers?: Record<string, string>; on?: object; retry?: number }): Client;
  stream(as?: string): ReturnType<typeof createStreamClient>;
  /** Of all clients; resolves when the service knows. */
  leaveAll(): Promise<void>;
  close(): Promise<void>;
}

export const keys = {
  write: 'wk_ours_0123',
  read: 'rt_ours_0123',
  otherWrite: 'wk_other_0123',
  otherRead: 'rt_other_0123',
} as const;

export async function openSubscriptionRig(env: Readonly<Record<string, string>> = {}): Promise<SubscriptionRig> {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-subscriptions-'));
  const role = await startRole('serve', folder, {
    DATA_DIR: join(folder, 'data'),
    WRITE_KEYS: `ours=${keys.write},other=${keys.otherWrite}`,
    READ_TOKENS: `ours=${keys.read},other=${keys.otherRead}`,
    ...env,
  });
  const { url } = role;
  const socketUrl = `${url.replace('http', 'ws')}/graphql`;
  const clients: { dispose(): unknown }[] = [];
  const metric: SubscriptionRig['metric'] = async (name, ...labels) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };
  await eventually(async () => {
    const { errors } = await ask(url, keys.read, '{ catalog { meta { asOf } } }');
    if (errors) throw new Error(JSON.stringify(errors));
  }, 60);
  return {
    role,
    url,
    socketUrl,
    async track(events, as = keys.write) {
      const { data, errors } = await ask<{ trackBatch: { accepted: number; token: string } }>(
        url,
        as,
        'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted token } }',
        { input: { events } },
      );
      expect(errors).toBeUndefined();
      expect(data.trackBatch.accepted).toBe(events.length);
      return data.trackBatch.token;
    },
    async ask<Data>(query: string, variables = {}, as: string = keys.read) {
      const { data, errors } = await ask<Data>(url, as, query, variables);
      expect(errors).toBeUndefined();
      return data;
    },
    metric,
    socket({ as = keys.read, headers = {}, on = {}, retry = 0 } = {}) {
      class Socket extends WebSocket {
        constructor(address: string, protocols: string | string[]) {
          super(address, protocols, { headers });
        }
      }
      const client = createClient({
        url: socketUrl,
        webSocketImpl: Socket,
        retryAttempts: retry,
        shouldRetry: () => true,
        retryWait: () => new Promise((resolve) => setTimeout(resolve, 200)),
        ...(as === null ? {} : { connectionParams: { authorization: `Bearer ${as}` } }),
        on,
      });
      clients.push(client);
      return client;
    },
    stream(as = keys.read) {
      const headers = { authorization: `Bearer ${as}` };
      const client = createStreamClient({ url: `${url}/graphql/stream`, headers, retryAttempts: 0 });
      clients.push(client);
      return client;
    },
    async leaveAll() {
      for (const client of clients.splice(0)) await client.dispose();
      await eventually(async () => {
        const left = await metric('tallygate_subscriptions_active');
        if (left > 0) throw new Error(`${left} subscriptions are still served`);
      });
    },
    async close() {
      await role.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Message<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

interface Subscribable {
  subscribe(request: { query: string; variables?: Record<string, unknown> }, sink: never): () => void;
}

/** Everything that comes, and how it ends. */
export interface Reading<Data> {
  readonly messages: Message<Data>[];
  /** What ended it: null when it was completed. */
  readonly ended: Promise<unknown>;
  /** As soon as there are so many messages. */
  first(count: number): Promise<Message<Data>[]>;
  leave(): void;
}

export function read<Data>(
  client: Subscribable,
  query: string,
  variables: Record<string, unknown> = {},
): Reading<Data> {
  const messages: Message<Data>[] = [];
  let leave = () => {};
  const ended = new Promise<unknown>((resolve) => {
    leave = client.subscribe({ query, variables }, {
      next: (message: Message<Data>) => void messages.push(message),
      error: resolve,
      complete: () => resolve(null),
    } as never);
  });
  return {
    messages,
    ended,
    leave: () => leave(),
    first: (count) =>
      eventually(async () => {
        if (messages.length < count) throw new Error(`got ${messages.length} of ${count} messages`);
        return messages.slice(0, count);
      }, 60),
  };
}

export interface LiveData {
  readonly liveEvents: {
    readonly events: readonly { readonly messageId: string; readonly userId: string; readonly event: string }[];
    readonly lost: number;
    readonly asOf: string;
    readonly snapshot: string;
  };
}

export const liveEvents = `subscription ($filter: EventFilter) {
  liveEvents(filter: $filter) { events { messageId userId event } lost asOf snapshot } }`;

/** Ids of all events so far. */
export function idsOf({ messages }: Reading<LiveData>): string[] {
  return messages.flatMap(({ data }) => data?.liveEvents.events.map(({ messageId }) => messageId) ?? []);
}

export function track(messageId: string, more: object = {}): object {
  return { track: { event: 'Order', userId: 'u1', messageId, ...more } };
}
