import { hash } from 'node:crypto';
import type { Caller } from '../../resolvers/context.ts';
import type { Credential } from '../config.ts';
import { TallygateError } from '../errors.ts';

export interface Authenticator {
  /** null without a header. Throws UNAUTHENTICATED for anything that is not a credential of ours; the message never repeats it. */
  authenticate(authorization: string | undefined): Caller | null;
}

export function createAuthenticator(credentials: readonly Credential[]): Authenticator {
  const callers = new Map<string, Caller>(
    credentials.map(({ project, secret, right }) => [
      `Bearer ${secret}`,
      { project, right, keyId: hash('sha256', secret).slice(0, 8) },
    ]),
  );
  return {
    authenticate(authorization) {
      if (authorization === undefined || authorization === '') return null;
      const caller = callers.get(authorization) ?? callers.get(authorization.trim().replace(/^bearer\s+/i, 'Bearer '));
      if (caller) return caller;
      // Only what is surely no part of a secret is repeated.
      const scheme = /^(bearer|basic|digest|token|apikey)(\s|$)/i.exec(authorization)?.[1];
      throw new TallygateError(
        'UNAUTHENTICATED',
        scheme?.toLowerCase() === 'bearer'
          ? 'expected a credential that is known here, got an unknown one'
          : `expected Authorization: Bearer ..., got ${scheme ? `the scheme ${scheme}` : 'another form'}`,
      );
    },
  };
}
