import { holdsForRandomStreams } from '../oracle/check.ts';
import { amongMembers, cohortPeople } from '../oracle/cohorts-subject.ts';
import { funnels } from '../oracle/funnel-subject.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { lifecycles } from '../oracle/lifecycle-subject.ts';
import { retentions } from '../oracle/retention-subject.ts';
import { eventPages } from '../oracle/subjects.ts';
import { trends } from '../oracle/trend-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('size and people of cohorts of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, cohortPeople, { streams: 9, questions: [3, 5] });
}, 600_000);

test('the events of members are what plain counting gives', async () => {
  await holdsForRandomStreams(service, amongMembers(eventPages), { streams: 6, questions: [2, 3] });
}, 600_000);

test('trends among members are what plain counting gives', async () => {
  await holdsForRandomStreams(service, amongMembers(trends), { streams: 3, questions: [2, 3] });
}, 600_000);

test('retention among members is what plain counting gives', async () => {
  await holdsForRandomStreams(service, amongMembers(retentions), { streams: 3, questions: [2, 3] });
}, 600_000);

test('funnels among members are what plain counting gives', async () => {
  await holdsForRandomStreams(service, amongMembers(funnels), { streams: 3, questions: [2, 3] });
}, 600_000);

test('lifecycles among members are what plain counting gives', async () => {
  await holdsForRandomStreams(service, amongMembers(lifecycles), { streams: 3, questions: [2, 3] });
}, 600_000);

test("what makes somebody a member may lie outside of the report's range, and changes its cached answers", async () => {
  const day = 24 * 3_600_000;
  const project = service.openProject();
  const now = Date.now();
  const send = (event: string, time: number) =>
    project.send({
      receivedAt: now,
      events: [
        { kind: 'track', input: { event, userId: 'u', messageId: `${event} ${time}`, timestamp: new Date(time) } },
      ],
    });
  await project.ask().saveCohort('oracle', { name: 'visitors', definition: { did: { event: 'Visit' } } });
  const range = { from: new Date(now - 20 * day), to: new Date(now - 10 * day) };
  const ask = async (token: string) => {
    const { series, meta } = await project.ask().trend({
      range,
      series: [{ event: 'Order' }],
      filter: { cohort: 'visitors' },
      freshness: { after: token, maxWaitMs: 30_000 },
    });
    return [series[0]!.total, meta.source];
  };
  const { token } = await send('Order', now - 15 * day);
  expect(await ask(token)).toEqual([0, 'WAREHOUSE']);
  expect(await ask(token)).toEqual([0, 'CACHE']);
  expect(await ask((await send('Visit', now - 2 * day)).token)).toEqual([1, 'WAREHOUSE']);
}, 120_000);
