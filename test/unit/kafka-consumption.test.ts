import type { Kafka } from 'kafkajs';
import pino from 'pino';
import { openConsumption } from '../../src/adapters/kafka/consumption.ts';
import type { Link } from '../../src/adapters/kafka/link.ts';
import { TallygateError } from '../../src/errors.ts';

/** What kafkajs's consumer tells, at the moment at which a test wants it; a real one takes minutes to give up. */
function openWith(link: { isDown: boolean }) {
  const listeners = new Map<string, (event: object) => void>();
  const runs = { count: 0 };
  const names = ['GROUP_JOIN', 'HEARTBEAT', 'CRASH', 'FETCH_START', 'FETCH', 'CONNECT'];
  const consumer = {
    events: Object.fromEntries(names.map((name) => [name, name])),
    on: (name: string, listener: (event: object) => void) => {
      // The last one of CRASH counts signs of life alone.
      if (!listeners.has(name)) listeners.set(name, listener);
    },
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async () => void runs.count++,
    pause: () => undefined,
    disconnect: async () => undefined,
  };
  const away = new TallygateError('LOG_UNAVAILABLE', 'Kafka: away');
  const consumption = openConsumption({
    kafka: { consumer: () => consumer } as unknown as Kafka,
    link: {
      check() {
        if (link.isDown) throw away;
      },
      down: () => (link.isDown ? away : undefined),
    } as unknown as Link,
    topic: 'events',
    groupId: 'sink',
    sessionTimeoutMs: 45_000,
    bufferBytes: 1024,
    onPartition: async () => undefined,
    logger: pino({ enabled: false }),
    onEnded: () => undefined,
  });
  const crash = () =>
    listeners.get('CRASH')?.({ payload: { error: new Error('Failed to find group coordinator'), restart: false } });
  return { consumption, crash, runs };
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !holds(); ) {
    if (Date.now() > end) throw new Error(`expected to see ${holds} within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a consumer that gives up while the brokers are away begins anew when they are back', async () => {
  const link = { isDown: false };
  const { consumption, crash, runs } = openWith(link);
  let ended = false;
  consumption.ended.catch(() => undefined).finally(() => (ended = true));
  await until(() => runs.count === 1);
  link.isDown = true;
  crash();
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(runs.count).toBe(1);
  link.isDown = false;
  await until(() => runs.count === 2);
  expect(ended).toBe(false);
  await consumption.stop(0);
});

test('a consumer that gives up with the brokers there ends the consumption, with the reason', async () => {
  const { consumption, crash, runs } = openWith({ isDown: false });
  await until(() => runs.count === 1);
  crash();
  await expect(consumption.ended).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
    message: expect.stringContaining('Failed to find group coordinator'),
  });
  expect(runs.count).toBe(1);
});
