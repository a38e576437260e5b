import type { RetentionInput } from '../../src/reports/retention/retention.ts';
import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';
import { retentions } from '../oracle/retention-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('retention of random streams is what plain counting gives', async () => {
  await holdsForRandomStreams(service, retentions, { streams: 20, questions: [5, 9] });
}, 600_000);

const hour = 3_600_000;
const at = (time: string) => new Date(time);

/** Three persons begin on the first, of whom u1 comes back on the second; everybody is another one a day later. */
async function openSmallProject(): Promise<{ project: Project; freshness: object }> {
  const project = service.openProject();
  const track = (event: string, userId: string, time: string, plan: string) => ({
    kind: 'track' as const,
    input: { event, userId, messageId: `${event}-${userId}-${time}`, timestamp: at(time), properties: { plan } },
  });
  const { token } = await project.send({
    receivedAt: Date.UTC(2026, 0, 9),
    events: [
      track('Sign Up', 'u1', '2026-01-01T10:00:00Z', 'free'),
      track('Sign Up', 'u2', '2026-01-01T11:00:00Z', 'pro'),
      track('Sign Up', 'u3', '2026-01-01T12:00:00Z', 'pro'),
      track('Visit', 'u1', '2026-01-02T10:00:00Z', 'free'),
      track('Visit', 'u1', '2026-01-03T10:00:00Z', 'free'),
    ],
  });
  return { project, freshness: { after: token, maxWaitMs: 30_000 } };
}

const small = {
  range: { from: at('2026-01-01T00:00:00Z'), to: at('2026-01-02T00:00:00Z') },
  cohortEvent: { event: 'Sign Up' },
  returnEvent: { event: 'Visit' },
  periods: 4,
};

test('what is not over at the moment of the answer is null, and not a drop', async () => {
  const { project, freshness } = await openSmallProject();
  const over = await project.ask().retention({ ...small, freshness });
  expect(over.cohorts).toMatchObject([
    { size: 3, counts: [0, 1, 1, 0], complete: [true, true, true, true], rates: [0, 1 / 3, 1 / 3, 0] },
  ]);
  const [, , vector] = JSON.parse(Buffer.from(over.meta.snapshot, 'base64url').toString());
  const ask = (asOf: number, mode: 'ON' | 'ON_OR_AFTER') => {
    const snapshot = Buffer.from(JSON.stringify([asOf, asOf + 1000, vector])).toString('base64url');
    return project.ask().retention({ ...small, mode, freshness: { at: snapshot } });
  };
  // The third day ends at its end, and not a millisecond before it.
  const end = Date.UTC(2026, 0, 4);
  expect((await ask(end - 1, 'ON')).cohorts).toMatchObject([
    { counts: [0, 1, 1, 0], complete: [true, true, false, false], rates: [0, 1 / 3, null, null] },
  ]);
  expect((await ask(end, 'ON')).cohorts).toMatchObject([
    { counts: [0, 1, 1, 0], complete: [true, true, true, false], rates: [0, 1 / 3, 1 / 3, null] },
  ]);
  // Who has not come back on or after the first day still can.
  expect((await ask(end, 'ON_OR_AFTER')).cohorts).toMatchObject([
    { counts: [1, 1, 1, 0], complete: [false, false, false, false], rates: [null, null, null, null] },
  ]);
  expect((await ask(end + 24 * hour, 'ON_OR_AFTER')).cohorts).toMatchObject([
    { complete: [true, true, true, true], rates: [1 / 3, 1 / 3, 1 / 3, 0] },
  ]);
});

describe('errors', () => {
  let project: Project;
  beforeAll(async () => {
    ({ project } = await openSmallProject());
  });
  const years = { from: at('2020-01-01T00:00:00Z'), to: at('2022-06-01T00:00:00Z') };
  const ask = (input: Partial<RetentionInput>) => project.ask().retention({ ...small, ...input });
  const people = async (input: object, of: Partial<RetentionInput> = {}) =>
    (await ask(of)).people({ cohort: small.range.from, ...input });
  const breakdown = { property: 'plan' };

  test.each<[() => Promise<unknown>, string, string]>([
    [() => ask({ brackets: [] }), 'INVALID_INPUT', 'brackets: expected 1 to 100 of them, got 0'],
    [() => ask({ brackets: [1, 0] }), 'INVALID_INPUT', 'brackets[1]: expected 1 to 1000 intervals, got 0'],
    [
      () => ask({ brackets: [600, 500] }),
      'INVALID_INPUT',
      'brackets: expected at most 1000 intervals in all, got 1100',
    ],
    [
      () => ask({ breakdown: { ...breakdown, limit: 0 } }),
      'INVALID_INPUT',
      'breakdown.limit: expected 1 to 1000, got 0',
    ],
    [
      () => ask({ range: years, periods: 100, breakdown: { ...breakdown, limit: 1000 } }),
      'TOO_MANY_BUCKETS',
      'expected at most 1000000 cells (values times cohorts times periods), got 88288200',
    ],
    [
      () => people({ cohort: at('2026-01-01T01:00:00Z') }),
      'INVALID_INPUT',
      'cohort: expected the start of one of the cohorts, got 2026-01-01T01:00:00.000Z',
    ],
    [() => people({ period: 4 }), 'INVALID_INPUT', 'period: expected 0 to 3, got 4'],
    [() => people({ period: -1 }), 'INVALID_INPUT', 'period: expected 0 to 3, got -1'],
    [() => people({ first: 1001 }), 'INVALID_INPUT', 'first: expected 1 to 1000, got 1001'],
    [() => people({ breakdown: ['pro'] }), 'INVALID_INPUT', 'breakdown: expected none, since the report has none'],
    [
      () => people({}, { breakdown }),
      'INVALID_INPUT',
      'breakdown: expected the breakdown of one of the cohorts, got []',
    ],
    [() => people({ after: 'x' }), 'INVALID_CURSOR', 'after: expected a cursor that this connection handed out'],
    [
      () => people({ after: Buffer.from('["18446744073709551616",""]').toString('base64url') }),
      'INVALID_CURSOR',
      'after: expected a cursor that this connection handed out',
    ],
    [
      () => people({ after: Buffer.from('["1","another"]').toString('base64url') }),
      'INVALID_INPUT',
      'after: expected freshness.at to be the meta.snapshot of the page that handed out this cursor, got another moment',
    ],
  ])('%#: a stable code, what was expected and what came', async (run, code, message) => {
    await expect(run()).rejects.toEqual(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test('a million cells less one value are answered', async () => {
    const { cohorts } = await ask({ range: years, periods: 100, breakdown: { ...breakdown, limit: 10 } });
    expect(cohorts).toEqual([]);
  });
});
