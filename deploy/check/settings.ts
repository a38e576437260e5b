/**
 * Compares what compose, the chart and the image set with what src/config.ts reads: settings.ts WORKDIR, where check.sh has
 * left compose.json and chart/*.yaml. Every mistake is a line on stderr; then it ends with 1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig, settings } from '../../src/config.ts';

interface Container {
  readonly where: string;
  readonly role: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  /** From "stop" to SIGKILL, and how much of it passes before the program hears of it. */
  readonly graceSeconds: number | undefined;
  readonly preStopSeconds: number;
  readonly port: number | undefined;
  readonly replicas: number;
}

const mistakes: string[] = [];
const mistake = (where: string, what: string): void => void mistakes.push(`${where}: ${what}`);
const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, '..', ...path), 'utf8');

const foreign = /^(OTEL|NODE|UV)_[A-Z0-9_]+$/;
const known = (name: string): boolean => name in settings || foreign.test(name);
const secret = /KEYS|TOKENS|PASSWORD|USERNAME|_USER$/;
/** What a Secret might hold; the pod spec names the key alone. */
const standIn = (name: string): string => (/KEYS|TOKENS/.test(name) ? `check=${name.toLowerCase()}` : 'check');
const roles = ['serve', 'gateway', 'sink', 'migrate'];
const chartsOwn = ['HOST', 'PORT', 'DATA_DIR', 'MIGRATE_AT_START', 'SHUTDOWN_SECONDS', 'DRAIN_DELAY_MS'];

/** What every container starts with. */
const imageEnvironment = dockerfileEnvironment();

interface Env {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly key: string; readonly optional?: boolean } };
}

function chartContainers(file: string, text: string): Container[] {
  const found: Container[] = [];
  for (const document of parseAllDocuments(text)) {
    const manifest = document.toJS();
    const pod = manifest?.spec?.template?.spec;
    if (pod?.containers === undefined) continue;
    for (const container of pod.containers) {
      const where = `${file}: ${manifest.kind} ${manifest.metadata.name}`;
      const environment: Record<string, string> = { ...imageEnvironment };
      for (const { name, value, valueFrom } of container.env as Env[]) {
        if (value !== undefined && secret.test(name)) mistake(where, `expected ${name} to come from a Secret`);
        if (valueFrom !== undefined && valueFrom.secretKeyRef.key !== name) {
          mistake(where, `expected the key ${name} of the Secret, got ${valueFrom.secretKeyRef.key}`);
        }
        if (value !== undefined) environment[name] = value;
        else if (valueFrom?.secretKeyRef.optional !== true) environment[name] = standIn(name);
      }
      found.push({
        where,
        role: container.args?.[0],
        environment,
        names: (container.env as Env[]).map((entry) => entry.name),
        graceSeconds: pod.terminationGracePeriodSeconds,
        preStopSeconds: container.lifecycle?.preStop?.sleep?.seconds ?? 0,
        port: container.ports?.[0]?.containerPort,
        replicas: manifest.spec.replicas ?? 1,
      });
    }
  }
  return found;
}

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
  readonly ports?: ReadonlyArray<{ readonly target: number }>;
}

function composeContainers(text: string): Container[] {
  const { services } = JSON.parse(text) as { services: Record<string, ComposeService> };
  return Object.entries(services)
    .filter(([, service]) => service.image.startsWith('tallygate:'))
    .map(([name, service]) => ({
      where: `compose.yaml: ${name}`,
      role: service.command?.[0] ?? '',
      environment: { ...imageEnvironment, ...service.environment },
      names: Object.keys(service.environment ?? {}),
      graceSeconds: seconds(service.stop_grace_period),
      preStopSeconds: 0,
      port: service.ports?.[0]?.target,
      replicas: 1,
    }));
}

function seconds(duration: string | undefined): number | undefined {
  const match = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration ?? '');
  return match === null || duration === undefined ? undefined : Number(match[1] ?? 0) * 60 + Number(match[2] ?? 0);
}

function checkContainer({
  where,
  role,
  environment,
  names,
  graceSeconds,
  preStopSeconds,
  port,
  replicas,
}: Container): void {
  if (!roles.includes(role)) mistake(where, `expected a role as first argument (${roles.join(', ')}), got ${role}`);
  for (const name of names) {
    if (!known(name)) mistake(where, `expected a setting of src/config.ts, OTEL_*, NODE_* or UV_*, got ${name}`);
  }
  if (new Set(names).size !== names.length) mistake(where, `expected each setting once, got ${names.join(' ')}`);
  let config: ReturnType<typeof parseConfig>;
  try {
    config = parseConfig(environment);
  } catch (error) {
    mistake(where, (error as Error).message);
    return;
  }
  if (config.HOST !== '0.0.0.0')
    mistake(where, `HOST: expected 0.0.0.0, since probes and clients come from elsewhere, got ${config.HOST}`);
  if (port !== undefined && port !== config.PORT)
    mistake(where, `expected the container's port to be PORT (${config.PORT}), got ${port}`);
  if (role === 'gateway' || role === 'sink') {
    const needed = preStopSeconds + config.DRAIN_DELAY_MS / 1000 + config.SHUTDOWN_SECONDS;
    if (graceSeconds === undefined || graceSeconds <= needed) {
      mistake(
        where,
        `expected more than ${needed} s of grace (preStop + DRAIN_DELAY_MS + SHUTDOWN_SECONDS), got ${graceSeconds}`,
      );
    }
    if (config.KAFKA_BROKERS === undefined || config.CLICKHOUSE_URL === undefined) {
      mistake(where, 'expected KAFKA_BROKERS and CLICKHOUSE_URL, the image has no embedded backend');
    }
  }
  if (role === 'gateway' && config.credentials.length === 0) mistake(where, 'expected credentials, nobody could track');
  if (role === 'sink' && replicas > config.KAFKA_PARTITIONS) {
    mistake(where, `expected at most ${config.KAFKA_PARTITIONS} sinks, one for each partition, got ${replicas}`);
  }
}

/** Whoever runs the migration first tells the roles not to; without it they have to. */
function checkMigration(where: string, containers: readonly Container[]): void {
  const separate = containers.some((container) => container.role === 'migrate');
  for (const { role, environment, where: at } of containers) {
    if (role === 'migrate') continue;
    if (environment.MIGRATE_AT_START !== String(!separate)) {
      mistake(
        at,
        `expected MIGRATE_AT_START=${!separate}, ${where} ${separate ? 'has' : 'has no'} migration of its own`,
      );
    }
  }
  for (const role of ['gateway', 'sink']) {
    if (!containers.some((container) => container.role === role)) mistake(where, `expected a ${role}`);
  }
}

/** The chart's schema must list exactly the settings that it may be given: no more, and none that is new and forgotten. */
function checkSchema(): void {
  const where = 'values.schema.json';
  const schema = JSON.parse(read('helm', 'tallygate', 'values.schema.json'));
  const listed = Object.keys(schema.$defs.settings.properties);
  const keys: string[] = schema.$defs.secretKeys.items.enum;
  for (const name of [...listed, ...keys])
    if (!(name in settings)) mistake(where, `${name} is no setting of src/config.ts`);
  for (const name of Object.keys(settings)) {
    if (chartsOwn.includes(name) || foreign.test(name)) continue;
    const there = (secret.test(name) ? keys : listed).includes(name);
    if (!there) mistake(where, `expected ${name} ${secret.test(name) ? 'among secretKeys' : 'among settings'}`);
  }
  const values = parse(read('helm', 'tallygate', 'values.yaml'));
  for (const name of keys) {
    if (![...values.existingSecret.required, ...values.existingSecret.optional].includes(name)) {
      mistake('values.yaml', `existingSecret: expected ${name} as required or optional`);
    }
  }
}

function dockerfileEnvironment(): Record<string, string> {
  const found: Record<string, string> = {};
  const stage = read('Dockerfile')
    .replaceAll('\\\n', ' ')
    .replace(/^[\s\S]* AS program$/m, '')
    .split(/^FROM /m)[0] as string;
  for (const line of stage.split('\n')) {
    if (!line.startsWith('ENV ')) continue;
    for (const [, name, value] of line.matchAll(/\b([A-Z][A-Z0-9_]*)=(\S+)/g)) found[name as string] = value as string;
  }
  for (const name of Object.keys(found)) {
    if (!known(name)) mistake('Dockerfile', `ENV ${name} is no setting of src/config.ts`);
  }
  for (const name of ['HOST', 'PORT']) if (!(name in found)) mistake('Dockerfile', `ENV: expected ${name}`);
  return found;
}

/** Whatever the guide writes as `LIKE_THIS` is a setting. */
function checkGuide(): void {
  for (const [, name] of read('..', 'docs', 'deploying.md').matchAll(
    /`([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])(?:=[^`]*)?`/g,
  )) {
    if (!known(name as string)) mistake('docs/deploying.md', `\`${name}\` is no setting of src/config.ts`);
  }
}

const work = process.argv[2];
if (work === undefined) throw new Error('expected the folder of the rendered files');
const rendered = readdirSync(join(work, 'chart')).filter((file) => file.endsWith('.yaml'));
if (rendered.length === 0) mistake(work, 'expected rendered charts');
const groups = [
  { where: 'compose.yaml', containers: composeContainers(readFileSync(join(work, 'compose.json'), 'utf8')) },
  ...rendered.map((file) => ({
    where: file,
    containers: chartContainers(file, readFileSync(join(work, 'chart', file), 'utf8')),
  })),
];
for (const { where, containers } of groups) {
  for (const container of containers) checkContainer(container);
  checkMigration(where, containers);
}
checkSchema();
checkGuide();
if (mistakes.length > 0) {
  process.stderr.write(`${mistakes.map((line) => `  - ${line}`).join('\n')}\n`);
  process.exit(1);
}
process.stdout.write(
  `  ${groups.reduce((sum, { containers }) => sum + containers.length, 0)} containers in ${groups.length} files, ${Object.keys(settings).length} settings\n`,
);
