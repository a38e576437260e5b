import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { lifecycles } from '../oracle/lifecycle-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('lifecycles of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, lifecycles, { streams: 30, questions: [4, 8] });
}, 600_000);
