import fc from 'fast-check';
import { createAuthenticator } from '../../src/gateway/auth.ts';

const authenticator = createAuthenticator([
  { project: 'shop', secret: 'wk_0123456789', right: 'write' },
  { project: 'shop', secret: 'rt_0123456789', right: 'read' },
  { project: 'other', secret: 'at_0123456789', right: 'admin' },
]);

test('a credential says who, and what is allowed', () => {
  expect(authenticator.authenticate('Bearer wk_0123456789')).toMatchObject({ project: 'shop', right: 'write' });
  expect(authenticator.authenticate('Bearer rt_0123456789')).toMatchObject({ project: 'shop', right: 'read' });
  expect(authenticator.authenticate('Bearer at_0123456789')).toMatchObject({ project: 'other', right: 'admin' });
});

test('the scheme may be written in any case, with spaces around', () => {
  for (const header of ['bearer wk_0123456789', 'BEARER  wk_0123456789', ' Bearer wk_0123456789 '])
    expect(authenticator.authenticate(header)?.right).toBe('write');
});

test('a key has a public name that is not the key, and each its own', () => {
  const names = ['wk', 'rt', 'at'].map((kind) => authenticator.authenticate(`Bearer ${kind}_0123456789`)?.keyId);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{8}$/);
});

test('no header is nobody, and not an error', () => {
  expect(authenticator.authenticate(undefined)).toBeNull();
  expect(authenticator.authenticate('')).toBeNull();
});

test.each([
  ['Bearer wk_01234567890', 'expected a credential that is known here, got an unknown one'],
  ['Bearer', 'expected a credential that is known here, got an unknown one'],
  ['Bearer WK_0123456789', 'expected a credential that is known here, got an unknown one'],
  ['Basic d2tfMDEyMzQ1Njc4OQ==', 'expected Authorization: Bearer ..., got the scheme Basic'],
  ['Basic wk_0123456789', 'expected Authorization: Bearer ..., got the scheme Basic'],
  ['wk_0123456789', 'expected Authorization: Bearer ..., got another form'],
  ['mysecret and more', 'expected Authorization: Bearer ..., got another form'],
])('%s is refused', (header, message) => {
  expect(() => authenticator.authenticate(header)).toThrow(message);
});

test('whatever is sent, only a credential of ours gets in, and nothing of what was sent is repeated', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `Bearer ${text}`),
      ),
      (header) => {
        try {
          const caller = authenticator.authenticate(header);
          if (caller) expect(header.trim()).toMatch(/^bearer\s+(wk|rt|at)_0123456789$/i);
        } catch (thrown) {
          const { message, code } = thrown as Error & { code: string };
          expect(code).toBe('UNAUTHENTICATED');
          expect([
            'expected a credential that is known here, got an unknown one',
            'expected Authorization: Bearer ..., got another form',
          ]).toContain(message);
        }
      },
    ),
  );
});
