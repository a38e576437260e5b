import { createServer } from 'node:net';

// Below 32768, where Linux takes the local ports of outgoing connections from: a port that waits there for its server to
// come back could be taken by any client meanwhile, even by one that thereby connects to itself.
const lowest = 12_000;
const highest = 32_000;
const handedOut = new Set<number>();

/** Whether something could listen on this loopback port now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A row of neighbouring loopback ports that are free now and that this process has not handed out before. */
export async function findFreePorts(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count));
    const row = Array.from({ length: count }, (_, i) => first + i);
    if (row.some((port) => handedOut.has(port))) continue;
    if (!(await Promise.all(row.map(isPortFree))).every(Boolean)) continue;
    for (const port of row) handedOut.add(port);
    return row;
  }
  throw new Error(`no ${count} neighbouring free ports between ${lowest} and ${highest} on 127.0.0.1`);
}

/** A row of ports that begins at `first`, or anywhere when it is left out; rejects with the port that is taken. */
export async function reservePorts(first: number | undefined, count: number): Promise<number[]> {
  if (first === undefined) return findFreePorts(count);
  const row = Array.from({ length: count }, (_, i) => first + i);
  for (const port of row)
    if (!(await isPortFree(port)))
      throw new Error(`expected port ${port} on 127.0.0.1 to be free, but something listens on it`);
  return row;
}
