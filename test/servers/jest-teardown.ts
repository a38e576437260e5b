import './jest-setup.ts';

/** Jest's globalTeardown. */
// biome-ignore lint/style/noDefaultExport: Jest takes the default export
export default async function tearDown(): Promise<void> {
  await globalThis.tallygateTestRun?.end();
}
