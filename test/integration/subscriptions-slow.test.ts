import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { WebSocket } from 'ws';
import { eventually } from '../e2e/tallygate.ts';
import {
  idsOf,
  keys,
  type LiveData,
  liveEvents,
  openSubscriptionRig,
  read,
  type SubscriptionRig,
  track,
} from './subscriptions-rig.ts';

/** Readers that are slower than events come: what they lose is told, and what is kept for them is bounded. */

const memoryMb = 4;
let rig: SubscriptionRig;
beforeAll(async () => {
  rig = await openSubscriptionRig({ SUBSCRIPTION_STALL_SECONDS: '120', SUBSCRIPTION_MEMORY_MB: String(memoryMb) });
}, 120_000);
const closers: (() => void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await rig.leaveAll();
}, 60_000);
afterAll(() => rig?.close(), 60_000);

let next = 0;
/** Of one person, large ones, until a reader that does not read has filled the buffers of two kernels, and what is kept for it. */
async function trackUntil(isEnough: () => Promise<boolean>): Promise<string[]> {
  const ids: string[] = [];
  for (const until = Date.now() + 120_000; !(await isEnough()); ) {
    if (Date.now() > until) throw new Error(`not enough after ${ids.length} events`);
    const batch = Array.from({ length: 25 }, () => `m${next++}`);
    ids.push(...batch);
    const after = await rig.track(batch.map((id) => track(id, { properties: { text: 'x'.repeat(16_000) } })));
    // Stored, before there are more: what one look takes of them is bounded, too.
    await rig.ask('query ($f: FreshnessInput) { catalog(freshness: $f) { meta { asOf } } }', {
      f: { after, maxWaitMs: 30_000 },
    });
  }
  return ids;
}
const isFull = async () => (await rig.metric('tallygate_subscription_bytes')) > 0.75 * memoryMb * 1024 * 1024;
const whole = 'subscription { liveEvents { events { messageId properties } lost } }';

/** A WebSocket whose reader can stop reading. */
async function openSocket() {
  const socket = new WebSocket(rig.socketUrl, 'graphql-transport-ws');
  await once(socket, 'open');
  const messages: LiveData[] = [];
  socket.on('message', (text) => {
    const { type, payload } = JSON.parse(String(text));
    if (type === 'next') messages.push(payload.data);
  });
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }));
  closers.push(() => socket.terminate());
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${keys.read}` } }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: whole } }));
  await eventually(async () => expect(messages).toHaveLength(1));
  return { socket, messages, closed };
}

const told = (messages: readonly LiveData[]) => ({
  ids: messages.flatMap((message) => message.liveEvents.events.map(({ messageId }) => messageId)),
  lost: messages.reduce((sum, message) => sum + message.liveEvents.lost, 0),
});

test('who stops reading for a while is told how many events it lost, has the others in order, and others lose nothing by it', async () => {
  const { socket, messages } = await openSocket();
  const good = read<LiveData>(rig.socket(), liveEvents);
  await good.first(1);
  socket.pause();
  let most = 0;
  const watching = setInterval(
    () =>
      rig.metric('tallygate_subscription_bytes').then(
        (bytes) => {
          most = Math.max(most, bytes);
        },
        () => {},
      ),
    100,
  );
  closers.push(() => clearInterval(watching));
  const sent = await trackUntil(isFull);
  let more = 0;
  sent.push(...(await trackUntil(async () => ++more > 10)));
  await eventually(async () => expect(idsOf(good)).toEqual(sent), 60);
  socket.resume();
  await eventually(async () => {
    const { ids, lost } = told(messages);
    expect(ids.length + lost).toBe(sent.length);
  }, 60);
  const { ids, lost } = told(messages);
  expect(lost).toBeGreaterThan(50);
  expect(await rig.metric('tallygate_live_events_lost_total')).toBeGreaterThanOrEqual(lost);
  // Each once, in order, and the newest of all among them.
  expect(ids).toEqual(sent.filter((id) => new Set(ids).has(id)));
  expect(ids.at(-1)).toBe(sent.at(-1));
  // What is kept may go beyond by what is being sent: a message to each of two.
  expect(most).toBeGreaterThan(1024 * 1024);
  expect(most).toBeLessThan((memoryMb + 9) * 1024 * 1024);
  socket.terminate();
  await eventually(async () => expect(await rig.metric('tallygate_subscriptions_active')).toBe(1));
  good.leave();
  await eventually(async () => expect(await rig.metric('tallygate_subscription_bytes')).toBe(0));
}, 300_000);

test('of more events than one look takes the newest come, and the others are counted', async () => {
  const reading = read<LiveData>(rig.socket(), liveEvents);
  await reading.first(1);
  const sent = Array.from({ length: 2500 }, () => `m${next++}`);
  await rig.track(sent.map((id) => track(id)));
  const isAll = () => {
    const lost = reading.messages.reduce((sum, { data }) => sum + (data?.liveEvents.lost ?? 0), 0);
    expect(idsOf(reading).length + lost).toBe(sent.length);
    return lost;
  };
  expect(await eventually(async () => isAll())).toBe(1500);
  expect(idsOf(reading)).toEqual(sent.slice(1500));
}, 120_000);

test('who does not read at all is closed, with a reason, and nothing is kept for it', async () => {
  await rig.close();
  rig = await openSubscriptionRig({ SUBSCRIPTION_STALL_SECONDS: '10', SUBSCRIPTION_MEMORY_MB: String(memoryMb) });
  const { socket, closed } = await openSocket();
  socket.pause();
  const stream = request(`${rig.url}/graphql/stream`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.read}`, 'content-type': 'application/json', accept: 'text/event-stream' },
  });
  stream.end(JSON.stringify({ query: whole }));
  const [response] = (await once(stream, 'response')) as [IncomingMessage];
  response.pause();
  closers.push(() => response.destroy());
  const broken = once(response, 'error');
  await eventually(async () => expect(await rig.metric('tallygate_subscriptions_active')).toBe(2));
  const cut = (transport: string) => rig.metric('tallygate_subscriptions_cut_total', transport, 'too_slow');
  await trackUntil(async () => (await cut('websocket')) === 1);
  socket.resume();
  expect(await closed).toEqual({
    code: 1013,
    reason: 'TOO_SLOW: a message was not taken in time; connect again, and read faster',
  });
  await trackUntil(async () => (await cut('sse')) === 1);
  response.resume();
  expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
  await eventually(async () => {
    expect(await rig.metric('tallygate_subscriptions_active')).toBe(0);
    expect(await rig.metric('tallygate_subscription_bytes')).toBe(0);
  });
}, 300_000);
