import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { stickiness } from '../oracle/stickiness-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('stickiness of random streams is what plain counting gives', async () => {
  await holdsForRandomStreams(service, stickiness, { streams: 30, questions: [4, 8] });
}, 600_000);

test('a name that no event has is a warning, and not just a row of zeros', async () => {
  const { persons, meta } = await service
    .openProject()
    .ask()
    .stickiness({ range: { last: '3d' }, event: 'Sing Up' });
  expect(persons).toEqual([0, 0, 0]);
  expect(meta.warnings).toEqual(['event: no event is named "Sing Up"']);
});
