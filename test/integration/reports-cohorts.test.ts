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
