import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { retentions } from '../oracle/subjects.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('retention of random streams is what plain counting gives', async () => {
  await holdsForRandomStreams(service, retentions, { streams: 30, questions: [5, 9] });
}, 600_000);
