import { TallygateError } from '../../errors.ts';

export interface SourceAddress {
  /** With the password, if it is in there. Never to be shown. */
  readonly href: string;
  /** Host, port and database: what may be shown. */
  readonly shown: string;
}

/** Throws INVALID_INPUT, in words that never repeat what was given: it may hold a password. */
export function parseSourceAddress(text: string): SourceAddress {
  const expected = 'expected the address of a database such as postgres://user@127.0.0.1:5432/shop';
  if (!/^postgres(?:ql)?:\/\//.test(text)) {
    throw new TallygateError('INVALID_INPUT', `${expected}, got something that does not begin with postgres://`);
  }
  if (!isReadable(text)) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${expected}, got something that cannot be read; a password with one of @ : / ? # % in it has to be written with %40 and the like, or goes into PGPASSWORD or ~/.pgpass`,
    );
  }
  const { hostname, port, pathname } = new URL(text);
  return { href: text, shown: `${hostname || 'localhost'}:${port || '5432'}${pathname === '' ? '' : pathname}` };
}

function isReadable(text: string): boolean {
  try {
    const { username, password, pathname } = new URL(text);
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}
