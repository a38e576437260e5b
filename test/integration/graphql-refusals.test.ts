import { rmSync } from 'node:fs';
import { readEnds } from '../contract/event-log-rig.ts';
import { expectDiscreet } from './answers.ts';
import { makeFolder, openSite, type Site, secrets } from './graphql-site.ts';
import { type Refusal, refusals } from './refusals.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
let site: Site;
beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  site = await openSite({ warehouse: bench.warehouse, clock: () => Date.UTC(2026, 2, 1, 12) });
});
afterAll(async () => {
  await site?.close();
  await bench?.close();
  rmSync(engine, { recursive: true, force: true });
});

test.each(Object.entries<Refusal>(refusals))('%s', async (_, { send, as, authorization, status, code, message }) => {
  const before = await readEnds(site.log);
  // Three times: what the compiled lane takes over must answer as it did before.
  for (let i = 0; i < 3; i++) {
    const answer = await site.post(send, {
      as: authorization ? null : as === undefined ? secrets.admin : as,
      headers: authorization ? { authorization } : {},
    });
    expect(answer.status).toBe(status);
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors?.[0]).toMatchObject({ message, extensions: { code } });
    expect(Object.values(answer.body.data ?? {}).every((field) => field === null)).toBe(true);
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    expectDiscreet(answer);
  }
  // Nothing is accepted of what is refused.
  expect(await readEnds(site.log)).toEqual(before);
});

test('a batch with many mistakes names the first ten', async () => {
  const events = Array.from({ length: 60 }, () => ({ track: { event: 7 } }));
  const { status, body } = await site.post({
    query: 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted } }',
    variables: { input: { events } },
  });
  expect([status, body.errors?.length, body.data]).toEqual([400, 11, undefined]);
  expect(new Set(body.errors?.map(({ extensions }) => extensions.code))).toEqual(new Set(['BAD_USER_INPUT']));
  expect(body.errors?.[9]?.message).toContain('"input.events[9].track.event"');
  expect(body.errors?.[10]?.message).toContain('Too many errors processing variables');
});

test('a long value is not sent back whole', async () => {
  const { text } = await site.post({
    query: 'mutation ($input: TrackInput!) { track(input: $input) { token } }',
    variables: { input: { event: 'a', userId: 'u', nobody: 'x'.repeat(400_000) } },
  });
  expect(text.length).toBeLessThan(3000);
  expect(text).toContain('Field \\"nobody\\" is not defined by type \\"TrackInput\\".');
});

test('no refusal was taken for a failure of ours', () => {
  expect(site.lines.filter((line) => line.includes('reason of ours'))).toEqual([]);
});
