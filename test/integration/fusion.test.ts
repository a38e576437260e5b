import { holdsForRandomStreams } from '../oracle/check.ts';
import { dashboards } from '../oracle/dashboards-subject.ts';
import { openService, type Service } from '../oracle/harness.ts';

let service: Service;

beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('reports that are computed by one statement are what plain counting gives for each', async () => {
  await holdsForRandomStreams(service, dashboards, { streams: 60, questions: [1, 2] });
}, 900_000);
