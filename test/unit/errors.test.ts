import { errorCodes, isTallygateError, TallygateError, toMessage } from '../../src/errors.ts';

test('an error carries what its code stands for', () => {
  const cause = new Error('why');
  const error = new TallygateError('LOG_OVERLOADED', 'expected less', { cause, retryAfterMs: 250, details: { a: 1 } });
  expect(error).toMatchObject({
    name: 'TallygateError',
    code: 'LOG_OVERLOADED',
    message: 'expected less',
    status: 503,
    retriable: true,
    retryAfterMs: 250,
    details: { a: 1 },
    cause,
  });
  expect(isTallygateError(error)).toBe(true);
  expect(isTallygateError(cause)).toBe(false);
  expect(new TallygateError('FORBIDDEN', 'no')).toMatchObject({
    details: {},
    retryAfterMs: undefined,
    retriable: false,
  });
  expect('cause' in new TallygateError('FORBIDDEN', 'no')).toBe(false);
});

test('codes are stable names with a status, and only what may pass away is retriable', () => {
  for (const [code, { status, retriable }] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    if (status === 503 || status === 429) expect(retriable).toBe(true);
    else if (status < 499) expect(retriable).toBe(false);
  }
});

test('anything that is thrown has a message', () => {
  expect([new Error('a'), 'b', 3, null, undefined].map(toMessage)).toEqual(['a', 'b', '3', 'null', 'undefined']);
});
