import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, parse as parseGraphql, validate } from 'graphql';
import { parse as parseYaml } from 'yaml';

/** deploy/check.sh must accept what is there, and name each of these damages. */

const root = join(import.meta.dirname, '..', '..');
const tools = join(root, '.cache', 'tools');
const ready = existsSync(join(tools, 'helm')) || process.env.CI === 'true';
if (!ready) console.warn('SKIPPED: deploy.test.ts needs the tools that deploy/check.sh builds, run that once');
const asRoot = process.getuid?.() === 0;

let scratch: string;
let intact: string;
let copies = 0;

function copyProject(): string {
  const copy = join(scratch, `copy-${copies++}`);
  for (const path of [
    'deploy',
    'src',
    'schema',
    'resolvers',
    'docs/deploying.md',
    'package.json',
    'package-lock.json',
    '.dockerignore',
  ]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function check(project: string, ...parts: string[]) {
  const { status, stdout, stderr } = spawnSync('bash', [join(project, 'deploy', 'check.sh'), ...parts], {
    env: { ...process.env, DEPLOY_TOOLS: tools, DEPLOY_WORK: join(project, '.work') },
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

function damage(project: string, file: string, before: string | RegExp, after: string): void {
  const path = join(project, file);
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(before, after);
  if (changed === text) throw new Error(`${file}: expected ${before} in it, the damage did nothing`);
  writeFileSync(path, changed);
}

const dockerfile = 'deploy/Dockerfile';
const compose = 'deploy/compose.yaml';
const templates = 'deploy/helm/tallygate/templates';
const values = 'deploy/helm/tallygate/values.yaml';
const alerts = 'deploy/helm/tallygate/alerts.yaml';

const damages: ReadonlyArray<readonly [string, string, string, string | RegExp, string, string]> = [
  ['a misspelt instruction', 'dockerfile', dockerfile, 'EXPOSE 4000', 'EXPOSED 4000', 'unknown instruction: EXPOSED'],
  ['a command without JSON form', 'dockerfile', dockerfile, 'CMD ["gateway"]', 'CMD gateway', 'JSONArgsRecommended'],
  [
    'a secret in the image',
    'dockerfile',
    dockerfile,
    'ENV DATA_DIR=/data',
    'ENV CLICKHOUSE_PASSWORD=x',
    'SecretsUsedInArgOrEnv',
  ],
  ['an unknown compose key', 'compose', compose, 'read_only: true', 'readonly: true', 'readonly false schema'],
  [
    'a dependency on nothing',
    'compose',
    compose,
    'migrate: { condition: service_completed_successfully }',
    'migration: { condition: service_completed_successfully }',
    'depends on undefined service',
  ],
  [
    'a floating image',
    'compose',
    compose,
    'apache/kafka:4.3.1',
    'apache/kafka:latest',
    'expected an image with a version',
  ],
  [
    'a secret with a default',
    'compose',
    compose,
    /WRITE_KEYS: .*/,
    'WRITE_KEYS: "shop=wk_default"',
    'expected WRITE_KEYS to be required',
  ],
  [
    'a field that Kubernetes does not know',
    'chart',
    `${templates}/_pod.tpl`,
    'automountServiceAccountToken',
    'autoMountServiceAccountToken',
    "additional properties 'autoMountServiceAccountToken' not allowed",
  ],
  [
    'a wrong type in a ServiceMonitor',
    'chart',
    `${templates}/servicemonitor.yaml`,
    'port: http',
    'port: 4000',
    'ServiceMonitor release-tallygate is invalid',
  ],
  [
    'an alert on what nobody measures',
    'alerts',
    alerts,
    '(tallygate_ledger_unbalanced)',
    '(tallygate_ledger_imbalance)',
    'expected a metric that is there, got tallygate_ledger_imbalance',
  ],
  ['an alert that fires too early', 'alerts', alerts, 'for: 5m', 'for: 1m', 'FAILED: promtool test rules'],
  [
    'rules of the chart that are others',
    'alerts',
    `${templates}/prometheusrule.yaml`,
    '.Files.Get "alerts.yaml"',
    '.Files.Get "alerts.yaml" | replace "5m" "6m"',
    'expected the rules of alerts.yaml',
  ],
  [
    'a wrong type in a PrometheusRule',
    'chart',
    alerts,
    'for: 5m',
    'for: 5',
    'PrometheusRule release-tallygate is invalid',
  ],
  ['a template that is not closed', 'chart', `${templates}/ingress.yaml`, /\{\{- end \}\}\n$/, '', 'unexpected EOF'],
  [
    'a schema that lets a typing error pass',
    'chart',
    'deploy/helm/tallygate/values.schema.json',
    '"additionalProperties": false,\n      "properties": {\n        "RETENTION_DAYS"',
    '"properties": {\n        "RETENTION_DAYS"',
    'expected the chart to refuse it',
  ],
  ['a default that the schema refuses', 'chart', values, 'replicas: 1', 'replicas: one', 'helm lint'],
  ['a setting that nobody reads', 'settings', compose, 'LOG_LEVEL:', 'LOGLEVEL:', 'got LOGLEVEL'],
  [
    'a value that the program refuses',
    'settings',
    compose,
    'KAFKA_BROKERS: kafka:9092',
    'KAFKA_BROKERS: kafka',
    'expected host:port',
  ],
  [
    'a grace shorter than the stop',
    'settings',
    compose,
    'stop_grace_period: 40s',
    'stop_grace_period: 20s',
    'expected more than 30 s of grace',
  ],
  [
    'a role that does not exist',
    'settings',
    compose,
    'command: [sink]',
    'command: [sinks]',
    'expected a role as first argument',
  ],
  [
    'migrations that nobody runs',
    'settings',
    `${templates}/_settings.tpl`,
    '"MIGRATE_AT_START" (not $values.migrate.enabled)',
    '"MIGRATE_AT_START" false',
    'expected MIGRATE_AT_START=true',
  ],
  [
    'a chart that forgets the drain',
    'settings',
    `${templates}/_settings.tpl`,
    '$stop.shutdownSeconds $stop.marginSeconds',
    '$stop.marginSeconds',
    'of grace',
  ],
  [
    'a secret as a plain value',
    'settings',
    `${templates}/_settings.tpl`,
    '"HOST" "0.0.0.0"',
    '"HOST" "0.0.0.0" "CLICKHOUSE_PASSWORD" "x"',
    'expected CLICKHOUSE_PASSWORD to come from a Secret',
  ],
  [
    'another port',
    'settings',
    `${templates}/_pod.tpl`,
    'containerPort: 4000',
    'containerPort: 4001',
    'expected the container',
  ],
  [
    'an image that only itself can reach',
    'settings',
    dockerfile,
    'HOST=0.0.0.0',
    'HOST=127.0.0.1',
    'HOST: expected 0.0.0.0',
  ],
  [
    'a setting that is new',
    'settings',
    'src/config.ts',
    '  KAFKA_TLS: [',
    "  KAFKA_RACK: [z.string().optional(), 'Rack.'],\n  KAFKA_TLS: [",
    'expected KAFKA_RACK among settings',
  ],
  [
    'a setting that is gone',
    'settings',
    'src/config.ts',
    / {2}SINK_LINGER_MS: \[[^;]*?\n {2}\],\n/,
    '',
    'got SINK_LINGER_MS',
  ],
  [
    'a guide that names what is not there',
    'settings',
    'docs/deploying.md',
    /$/,
    '\nSet `KAFKA_BROKER_LIST`.\n',
    '`KAFKA_BROKER_LIST` is no setting',
  ],
];

(ready ? describe : describe.skip)('deploy/check.sh', () => {
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'tallygate-deploy-'));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('accepts what is there', () => {
    intact = copyProject();
    const { status, output } = check(intact, 'dockerfile', 'compose', 'chart', 'settings', 'alerts');
    expect(output).toContain('all fine');
    expect(status).toBe(0);
  }, 400_000);

  test.each(damages)('refuses %s', (_what, part, file, before, after, sentence) => {
    const project = copyProject();
    damage(project, file, before, after);
    const { status, output } = check(project, part);
    expect(output).toContain(sentence);
    expect(status).not.toBe(0);
  });

  (asRoot ? test : test.skip)('refuses an image whose build context lacks a folder', () => {
    const project = copyProject();
    damage(project, '.dockerignore', '!schema\n', '');
    const { status, output } = check(project, 'image');
    expect(output).toContain('COPY schema: expected files, .dockerignore leaves none in the build context');
    expect(status).not.toBe(0);
  });

  test('refuses an image of another Node than the one that is tested', () => {
    const project = copyProject();
    damage(project, dockerfile, 'NODE_IMAGE=node:24', 'NODE_IMAGE=node:23');
    expect(check(project, 'image').output).toContain('NODE_IMAGE: expected node:24');
  });

  test('the notes of the chart show an operation that the schema has', () => {
    const sdl = readdirSync(join(root, 'schema')).map((file) => readFileSync(join(root, 'schema', file), 'utf8'));
    const notes = readFileSync(join(intact, '.work', 'chart', 'minimal.notes'), 'utf8');
    const { text } = parseYaml(notes) as { text: string };
    const body = JSON.parse(/-d '(.*)'/.exec(text)?.[1] ?? '') as { query: string };
    expect(validate(buildSchema(sdl.join('\n')), parseGraphql(body.query))).toEqual([]);
  });
});
