import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Role, startRole } from '../e2e/tallygate.ts';
import { createReader, guide, listChapters, mask, readQuestions } from './guide-chapters.ts';

/** Somebody reads the guide from its first chapter to its last, does what it says, and finds what it shows. */

const chapters = listChapters();
let folder: string;
let service: Role;
let reader: ReturnType<typeof createReader>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallygate-guide-'));
  service = await startRole('serve', folder, {
    DATA_DIR: join(folder, 'data'),
    WRITE_KEYS: 'demo=wk_demo',
    READ_TOKENS: 'demo=rt_demo',
  });
  reader = createReader(service.url);
  await reader.settle();
}, 120_000);
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test('there are ten chapters, all of them listed', async () => {
  expect(chapters.map((file) => file.slice(0, 2))).toEqual(chapters.map((_, i) => String(i + 1).padStart(2, '0')));
  const index = await readFile(join(guide, 'README.md'), 'utf8');
  expect([...index.matchAll(/^\d+\. \[[^\]]+\]\((\d\d-[^)]+)\)/gm)].map(([, file]) => file)).toEqual(chapters);
  expect(chapters).toHaveLength(10);
});

test.each(chapters)(
  '%s',
  async (chapter) => {
    const questions = readQuestions(chapter);
    expect(questions.length).toBeGreaterThan(1);
    for (const question of questions) {
      const place = `${chapter}:${question.line}`;
      const answer = await reader.ask(question);
      expect({ place, answer: mask(answer, question.answer) }).toEqual({ place, answer: question.answer });
    }
  },
  120_000,
);
