import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrameReader, type KafkaFrame } from './kafka-frames.ts';

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down';
export type Directions = Direction | 'both';

/** What becomes of a frame: it goes on, is swallowed while the connection stays, or the connection is cut before it. */
export type FrameFate = 'pass' | 'drop' | 'cut';

/**
 * Stands between clients and one server, instead of a kernel that loses packets. What is held is late, not lost, as with
 * TCP when a network comes back; what is lost for good is a connection, or a frame that a hook drops.
 */
export interface TcpProxy {
  readonly port: number;
  /** Nothing gets through in these directions, and new connections get no answer either, until release(). */
  hold(directions: Directions): void;
  release(): void;
  /** Every piece of data is this late, in milliseconds. */
  delay(ms: number): void;
  /** Cuts all connections. */
  cut(): void;
  /** Cuts all connections and listens no more, until accept(). */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Asked for each frame of the Kafka protocol, in order for each direction of a connection; null lets all pass. */
  onFrame: ((frame: KafkaFrame) => FrameFate | Promise<FrameFate>) | null;
  close(): Promise<void>;
}

export interface TcpProxyOptions {
  readonly port: number;
  readonly target: { readonly port: number };
  /** Whether what goes through is Kafka's protocol, so that `onFrame` can be used. */
  readonly frames?: boolean;
}

export async function openTcpProxy({ port, target, frames = false }: TcpProxyOptions): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const held = { up: createGate(), down: createGate() };
  let delayMs = 0;
  let server: Server | null = null;

  async function pump(from: Socket, to: Socket, direction: Direction, read: (chunk: Buffer) => KafkaFrame[]) {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const pieces = frames ? read(chunk) : [{ bytes: chunk }];
      for (const piece of pieces) {
        if (delayMs > 0) await sleep(delayMs);
        const fate = proxy.onFrame && 'apiKey' in piece ? await proxy.onFrame(piece as KafkaFrame) : 'pass';
        await held[direction].passed();
        if (fate === 'cut') return from.destroy();
        if (fate === 'drop') continue;
        if (to.destroyed) return;
        if (!to.write(piece.bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
    }
    await held[direction].passed();
    to.end();
  }

  function onConnection(client: Socket): void {
    const upstream = connect({ port: target.port, host: '127.0.0.1' });
    const reader = createFrameReader();
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      // A connection that breaks on one side is broken on the other one; while it is held, nobody hears of it.
      socket.once('close', () => {
        sockets.delete(socket);
        void held[socket === client ? 'up' : 'down'].passed().then(() => other.destroySoon());
      });
    }
    const pumping = [
      pump(client, upstream, 'up', (chunk) => reader.read('request', chunk)),
      pump(upstream, client, 'down', (chunk) => reader.read('response', chunk)),
    ];
    // Reading from a socket that breaks rejects: both ends are closed by then.
    for (const each of pumping) each.catch(() => undefined);
  }

  async function listen(): Promise<void> {
    server = createServer({ allowHalfOpen: true }, onConnection);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }

  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }

  async function refuse(): Promise<void> {
    const closing = server;
    server = null;
    const closed = closing && once(closing, 'close');
    closing?.close();
    cut();
    release();
    await closed;
  }

  function release(): void {
    held.up.open();
    held.down.open();
  }

  const proxy: TcpProxy = {
    port,
    onFrame: null,
    hold(directions) {
      if (directions !== 'down') held.up.shut();
      if (directions !== 'up') held.down.shut();
    },
    release,
    delay(ms) {
      delayMs = ms;
    },
    cut,
    refuse,
    async accept() {
      if (server === null) await listen();
    },
    close: refuse,
  };
  await listen();
  return proxy;
}

function createGate() {
  let waiting = Promise.withResolvers<void>();
  waiting.resolve();
  let isShut = false;
  return {
    shut(): void {
      if (!isShut) waiting = Promise.withResolvers();
      isShut = true;
    },
    open(): void {
      isShut = false;
      waiting.resolve();
    },
    passed: (): Promise<void> => waiting.promise,
  };
}
