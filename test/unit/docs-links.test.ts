import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** As GitHub makes them of headings. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

async function readText(file: string): Promise<string> {
  // What stands in a block of code is no link and no heading.
  return (await readFile(file, 'utf8')).replaceAll(/^```[\s\S]*?^```/gm, '');
}

async function listDocuments(): Promise<string[]> {
  const below = await Promise.all(
    ['docs', 'test'].map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true })).map((file) => join(root, folder, file)),
    ),
  );
  const top = (await readdir(root)).map((file) => join(root, file));
  return [...top, ...below.flat()].filter((file) => file.endsWith('.md'));
}

test('every link of the documentation leads somewhere', async () => {
  const documents = await listDocuments();
  expect(documents.length).toBeGreaterThan(15);
  const broken: string[] = [];
  let links = 0;
  for (const file of documents) {
    for (const [, target = ''] of (await readText(file)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      links++;
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? file : join(dirname(file), path);
      const isThere = existsSync(to);
      const headings = isThere && anchor ? [...(await readText(to)).matchAll(/^#+ (.+)$/gm)] : [];
      const isFound = !anchor || headings.some(([, heading]) => toAnchor(heading as string) === anchor);
      if (!isThere || !isFound) broken.push(`${relative(root, file)}: ${target}`);
    }
  }
  expect(links).toBeGreaterThan(80);
  expect(broken).toEqual([]);
});
