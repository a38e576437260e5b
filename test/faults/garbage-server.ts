import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Answers whatever it is asked with random bytes; resolves with what ends it. */
export async function openGarbageServer(port: number): Promise<() => void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => void socket.write(randomBytes(100)));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return () => void server.close();
}
