import { type StartedRun, startTestRun, testRunVariable } from './test-run.ts';

interface Selection {
  readonly testPathPatterns?: { readonly patterns: readonly string[] };
}

declare global {
  var tallygateTestRun: StartedRun | undefined;
}

/** Jest's globalSetup: servers first, once for all test files. Workers inherit the environment. */
// biome-ignore lint/style/noDefaultExport: Jest takes the default export
export default async function setUp({ testPathPatterns }: Selection): Promise<void> {
  const run = await startTestRun(testPathPatterns?.patterns ?? []);
  globalThis.tallygateTestRun = run;
  process.env[testRunVariable] = JSON.stringify({ dir: run.dir, servers: run.servers });
  const fate = process.env.CI === 'true' ? 'fail' : 'are SKIPPED';
  for (const [name, server] of Object.entries(run.servers))
    if (server.state === 'missing') process.stderr.write(`\n### Tests that need ${name} ${fate}: ${server.reason}\n`);
}
