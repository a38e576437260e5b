import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const root = join(import.meta.dirname, '../..');
const config = await extractConfig(join(root, '.dependency-cruiser.mjs'));
const mostLines = 400;

/** Violations of the table of rooms in the sources below a folder, as "rule: from -> to". */
async function findViolations(baseDir: string, folders: readonly string[]): Promise<string[]> {
  const { options = {}, ...ruleSet } = config;
  const { tsConfig: _, enhancedResolveOptions, ...plain } = options;
  const settings = { ...plain, ruleSet, validate: true, baseDir } as ICruiseOptions;
  const tsConfig = extractTSConfig(join(root, 'tsconfig.json'));
  const { output } = await cruise([...folders], settings, enhancedResolveOptions, { tsConfig });
  const { violations, totalCruised } = (output as ICruiseResult).summary;
  expect(totalCruised).toBeGreaterThan(10);
  return violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

async function listSources(folders: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true })).map((file) => join(folder, file)),
    ),
  );
  return lists.flat().filter((file) => /\.(ts|cjs|mjs)$/.test(file) && !file.endsWith('.generated.ts'));
}

test('every room imports only what it may', async () => {
  expect(await findViolations(root, ['src', 'resolvers', 'test'])).toEqual([]);
}, 60_000);

test('each of the rules finds a planted violation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-layers-'));
  const packages = [...JSON.stringify(config.forbidden).matchAll(/"\^node_modules\/([^"]+)\/"/g)].map(([, name]) =>
    (name as string).replace('[^/]+', 'api'),
  );
  const files: Record<string, string> = {
    'package.json': JSON.stringify({
      type: 'module',
      dependencies: Object.fromEntries(packages.map((name) => [name, '1.0.0'])),
      devDependencies: { 'for-tests': '1.0.0' },
    }),
    'src/main.ts': "import './ingest/a.ts';",
    'src/commands/a.ts': "import '../main.ts';",
    'src/roles/a.ts': "import '../commands/a.ts';",
    'src/gateway/a.ts': "import '../roles/a.ts';",
    'resolvers/a.ts': "import '../src/gateway/a.ts';",
    'resolvers/b.ts': "import { secret } from '../src/config.ts'; console.log(secret);",
    'src/ingest/a.ts': "import '../reports/a.ts';",
    'src/reports/a.ts': "import '../ingest/a.ts';",
    'src/adapters/lmdb/a.ts': "import '../../config.ts'; import '../kafka/a.ts';",
    'src/adapters/kafka/a.ts': "import '../../ports/a.ts';",
    'src/ports/a.ts': packages.map((name) => `import '${name}';`).join('\n'),
    'src/ports/b.ts': "import '../ingest/a.ts'; import '../../test/a.ts';",
    'src/ports/c.ts': "import 'for-tests'; import './nowhere.ts';",
    'src/events/a.ts': "import '../ports/a.ts';",
    'src/config.ts': "import './version.ts'; export const secret = 1;",
    'src/version.ts': "import './errors.ts';",
    'src/errors.ts': "import './telemetry/a.ts';",
    'src/telemetry/a.ts': "import '../errors.ts';",
    'src/stray.ts': "import './errors.ts';",
    'test/a.ts': 'export {};',
    // And what is allowed.
    'resolvers/good.ts': "import type { Config } from '../src/config.ts'; export type C = Config;",
    'src/roles/good.ts': "import '../adapters/lmdb/a.ts'; import '../ingest/a.ts'; import '../config.ts';",
  };
  for (const name of [...packages, 'for-tests']) {
    files[`node_modules/${name}/package.json`] = JSON.stringify({ name, version: '1.0.0', main: 'index.js' });
    files[`node_modules/${name}/index.js`] = '';
  }
  try {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
    const found = await findViolations(folder, ['src', 'resolvers', 'test']);
    const rules = (config.forbidden ?? []).map(({ name }) => name);
    expect(rules.length).toBeGreaterThan(30);
    expect(rules.filter((rule) => !found.some((line) => line.startsWith(`${rule}:`)))).toEqual([]);
    expect(found.filter((line) => line.includes('good.ts'))).toEqual([]);
    expect(found).toContain('room-ingest: src/ingest/a.ts -> src/reports/a.ts');
    expect(found).toContain('package-kafkajs: src/ports/a.ts -> node_modules/kafkajs/index.js');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);

test('one file alone reads the environment', async () => {
  const reads = /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[|\benv\b[^;]*from 'node:process'/;
  expect(['process.env.X', "process['env']", "import { env } from 'node:process'"].every((t) => reads.test(t))).toBe(
    true,
  );
  const sources = await listSources(['src', 'resolvers']);
  const readers = await Promise.all(
    sources.map(async (file) => (reads.test(await readFile(join(root, file), 'utf8')) ? [file] : [])),
  );
  // bin.cjs sets what Node reads before its first line of ours.
  expect(readers.flat().sort()).toEqual(['src/bin.cjs', 'src/config.ts']);
});

test(`no file has more than ${mostLines} lines`, async () => {
  const sources = await listSources(['src', 'resolvers', 'test', 'deploy']);
  const long = await Promise.all(
    sources.map(async (file) => {
      const lines = (await readFile(join(root, file), 'utf8')).split('\n').length - 1;
      return lines > mostLines ? [`${file}: ${lines}`] : [];
    }),
  );
  expect(long.flat()).toEqual([]);
});

test('no file has a name that could mean anything', async () => {
  const sources = await listSources(['src', 'resolvers', 'test', 'deploy']);
  const vague = /(^|[/.-])(utils?|helpers?|common|shared|misc|managers?)([/.-]|$)/;
  expect(sources.filter((file) => vague.test(file))).toEqual([]);
  const unlike = sources.filter((file) => !/^[a-z0-9.-]+$/.test(file.slice(file.lastIndexOf('/') + 1)));
  expect(unlike).toEqual([]);
});
