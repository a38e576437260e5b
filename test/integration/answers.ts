import { type Answer, secrets } from './graphql-site.ts';

/** What no answer may hold, whatever was asked: credentials that were not sent, stacks, and paths of the machine. */
export function expectDiscreet({ text, headers, status }: Answer, sent = ''): void {
  expect(status).not.toBe(500);
  const all = `${text}\n${JSON.stringify(headers)}`;
  for (const secret of Object.values(secrets)) if (!sent.includes(secret)) expect(all).not.toContain(secret);
  expect(all).not.toMatch(/(\\n|\n)\s*at /);
  expect(all).not.toMatch(/node_modules|node:internal|file:\/\/|\.ts:\d+|stacktrace/);
  expect(all).not.toContain(process.cwd());
}
