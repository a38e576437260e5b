import type { onRequestHookHandler } from 'fastify';
import { isTallygateError, TallygateError } from '../errors.ts';
import type { Authenticator } from './auth.ts';

export interface AdmissionLimits {
  /** Requests that are being answered at once. */
  readonly mostRequests: number;
  /** Of their bodies, as they announce themselves. */
  readonly mostBytes: number;
}

/** What may still be asked for by reports: tracking is let in when they are not any more. */
const shareOfReports = 0.5;

/**
 * Refuses with OVERLOADED, before a body is read, what would have to wait for too many others: whoever is refused at once
 * can try elsewhere or later, and who was let in is answered soon.
 */
export function createAdmission(
  authenticator: Authenticator,
  { mostRequests, mostBytes }: AdmissionLimits,
): onRequestHookHandler {
  let requests = 0;
  let bytes = 0;
  const asksReports = (authorization: string | undefined): boolean => {
    try {
      return ['read', 'edit'].includes(authenticator.authenticate(authorization)?.right ?? '');
    } catch (thrown) {
      // Who it is will be asked again, and answered, in its place.
      if (isTallygateError(thrown)) return false;
      throw thrown;
    }
  };
  const isFull = (share: number, more: number) =>
    requests >= mostRequests * share || (requests > 0 && bytes + more > mostBytes * share);

  return (request, reply, done) => {
    const announced = Number(request.headers['content-length'] ?? 0) || 0;
    if (isFull(1, announced) || (isFull(shareOfReports, announced) && asksReports(request.headers.authorization))) {
      const message = `expected to be asked for less at once: ${requests} requests are being answered, of which ${bytes} bytes were sent`;
      done(new TallygateError('OVERLOADED', message, { retryAfterMs: 1000 + Math.floor(Math.random() * 1000) }));
      return;
    }
    requests++;
    bytes += announced;
    let isOver = false;
    const release = () => {
      if (isOver) return;
      isOver = true;
      requests--;
      bytes -= announced;
    };
    reply.raw.once('finish', release).once('close', release);
    done();
  };
}
