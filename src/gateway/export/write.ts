import type { ServerResponse } from 'node:http';
import { TallygateError } from '../../errors.ts';

/** How long a client may take nothing at all before it is taken for gone, in milliseconds. */
const stallMs = 120_000;
/** How long a last line may take to get out. */
const lastLineMs = 5000;

/** Resolves when there is room for more: nothing is made that nobody takes. Rejects with CANCELLED when nobody does. */
export async function write(to: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (to.destroyed) throw gone('has gone away');
  if (!to.write(bytes)) await happens(to, 'drain', signal);
}

/** Resolves when the last of it was taken. */
export async function finish(to: ServerResponse, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  to.end();
  if (!to.writableFinished) await happens(to, 'finish', signal);
}

async function happens(to: ServerResponse, event: 'drain' | 'finish', signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stalled = setTimeout(() => reject(gone(`took nothing for ${stallMs / 1000} s`)), stallMs);
  const onAbort = () => reject(signal.reason);
  to.once(event, resolve);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(stalled);
    to.off(event, resolve);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Ends the connection without the chunk that says that this is all: no client takes it for the whole. */
export function cut(to: ServerResponse, lastLine: Uint8Array | null): void {
  if (lastLine === null || to.destroyed) {
    to.destroy();
    return;
  }
  const late = setTimeout(() => to.destroy(), lastLineMs);
  to.write(lastLine, () => {
    clearTimeout(late);
    to.destroy();
  });
}

export function gone(how: string): TallygateError {
  return new TallygateError('CANCELLED', `the client of an export ${how}`);
}
