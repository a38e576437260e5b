import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const blocks = [...read('docs/adding-a-report.md').matchAll(/```(?:ts|graphql)\n(.*?)```/gs)].map(
  ([, text]) => text as string,
);
const whole = blocks.flatMap((text) => {
  const [, file, rest] = /^(?:\/\/|#) (\S+)\n(.*)$/s.exec(text) ?? [];
  return file === undefined ? [] : [{ file, rest: rest as string }];
});

test('the chapter has six whole files', () => {
  expect(whole).toHaveLength(6);
});

test.each(whole)('$file is what the chapter shows', ({ file, rest }) => {
  expect(rest).toBe(read(file));
});

test('its other pieces stand in the files of the wiring', () => {
  const wiring = ['schema/query.graphql', 'src/reports/reports.ts', 'resolvers/query.ts'].map(read).join('\n');
  const pieces = blocks.filter((text) => !/^(?:\/\/|#) /.test(text));
  expect(pieces).toHaveLength(3);
  for (const line of pieces.flatMap((text) => text.split('\n')).filter((line) => !line.startsWith('//')))
    expect(wiring).toContain(line);
});
