import { existsSync, readFileSync } from 'node:fs';
import { distance } from 'fastest-levenshtein';
import { type Config, settings } from '../../config.ts';
import { isEmbedded } from '../../roles/backends.ts';
import { isTracingWanted } from '../../telemetry/tracing.ts';
import { type Finding, ok, problem, toReason, toShown, warning } from './finding.ts';
import { findBarrier } from './reach.ts';

/** What types in plain JavaScript, the log's lock and its compression need. */
const oldestNode = [22, 18] as const;
const testedNode = 24;
/** Six statements of reports, the sink's, the ledger's, the one that kills, and the log's writes. */
const wantedThreads = 12;
const shortSecret = 16;
/** What a merge of ten parts with all the columns that properties may have opens at once: see docs/decisions/0024-few-columns-a-part.md. */
const wantedFiles = 16_384;

/** Mistakes of the settings, one finding each: the error has one line for each. */
export function toMistakes(thrown: unknown): Finding[] {
  return toReason(thrown)
    .split('\n')
    .filter((line) => line.startsWith('  - '))
    .map((line) => problem('settings', line.slice(4)));
}

/** Names that are set and mean nothing, but look like one of ours that is not set. */
export function checkNames(names: readonly string[]): Finding[] {
  const known = Object.keys(settings);
  const stray = names.filter((name) => !known.includes(name) && name.length >= 6);
  return stray.flatMap((name) => {
    const meant = known.find((other) => !names.includes(other) && distance(name, other) <= 2);
    return meant ? [warning('settings', `${name} is set and means nothing: did you mean ${meant}?`)] : [];
  });
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldMajor, oldMinor] = oldestNode;
  if (major < oldMajor || (major === oldMajor && minor < oldMinor))
    return problem('Node', `expected ${oldestNode.join('.')} or newer, this is ${version}: "npm ci" brings one along`);
  if (major < testedNode) return warning('Node', `${version} works, but tests run on ${testedNode}: better use that`);
  return ok('Node', version);
}

export function checkThreads(config: Config, threads: string | undefined): Finding {
  const about = 'UV_THREADPOOL_SIZE';
  const { log, warehouse } = isEmbedded(config);
  const size = threads === undefined ? 4 : Number(threads);
  if (!Number.isInteger(size) || size < 1 || size > 1024)
    return problem(about, `expected a whole number from 1 to 1024, got ${JSON.stringify(threads)}: unset it`);
  if (warehouse && size < wantedThreads) {
    return warning(
      about,
      `${size} threads: slow reports of the embedded engine can hold up ${log ? 'acknowledgements' : 'each other'}. Unset it (16 is the default here), or set at least ${wantedThreads}`,
    );
  }
  return ok(about, `${size} threads`);
}

const limitsFile = '/proc/self/limits';

/** The embedded engine opens its files in this process. Nothing is known of them but on Linux. */
export function checkOpenFiles(
  config: Config,
  limits = existsSync(limitsFile) ? readFileSync(limitsFile, 'utf8') : '',
): Finding[] {
  const about = 'open files';
  const found = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1];
  if (!isEmbedded(config).warehouse || found === undefined) return [];
  const most = found === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found);
  if (most >= wantedFiles) return [ok(about, `at most ${found}`)];
  return [
    warning(
      about,
      `at most ${found}: with many names of properties the embedded engine cannot merge what it stored. Allow at least ${wantedFiles} (ulimit -Hn, LimitNOFILE)`,
    ),
  ];
}

export function checkCredentials({ credentials, demo }: Config): Finding[] {
  const about = 'credentials';
  if (demo)
    return [
      warning(
        about,
        'the demo ones are in force, which everybody knows: only this machine gets in. Set WRITE_KEYS and READ_TOKENS before anybody else is to use it',
      ),
    ];
  if (credentials.length === 0)
    return [
      warning(
        about,
        'none is set, so nobody can track or ask through a gateway with these settings: set WRITE_KEYS and READ_TOKENS (sinks need none)',
      ),
    ];
  const count = (right: string) => credentials.filter((c) => c.right === right || c.right === 'admin').length;
  const findings: Finding[] = [];
  if (count('write') === 0) findings.push(warning(about, 'nobody may track: set WRITE_KEYS'));
  if (count('read') === 0) findings.push(warning(about, 'nobody may ask for reports: set READ_TOKENS'));
  const short = credentials.filter(({ secret }) => secret.length < shortSecret).length;
  if (short > 0)
    findings.push(
      warning(
        about,
        `${short} of ${credentials.length} are shorter than ${shortSecret} characters and can be guessed: make longer ones, as with "openssl rand -hex 24"`,
      ),
    );
  const projects = new Set(credentials.map(({ project }) => project)).size;
  if (findings.length === 0) findings.push(ok(about, `${credentials.length} of them, for ${projects} projects`));
  return findings;
}

export async function checkTracing(config: Config, timeoutMs: number): Promise<Finding> {
  const about = 'tracing';
  if (!isTracingWanted(config)) return ok(about, 'off');
  const exporter = config.OTEL_TRACES_EXPORTER ?? 'otlp';
  if (exporter !== 'otlp') return ok(about, `to ${exporter}`);
  const address =
    config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT ?? 'http://localhost:4318';
  if (!URL.canParse(address))
    return problem(
      about,
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected an address such as http://collector:4318, got something else',
    );
  const { protocol, hostname, port } = new URL(address);
  const barrier = await findBarrier(
    hostname.replace(/^\[|\]$/g, ''),
    Number(port || (protocol === 'https:' ? 443 : 80)),
    timeoutMs,
  );
  return barrier === null
    ? ok(
        about,
        `${toShown(address)} takes connections, ${config.OTEL_TRACES_SAMPLER_ARG * 100}% of requests are traced`,
      )
    : warning(
        about,
        `${toShown(address)} cannot be reached (${barrier}), so traces are lost: start the collector, or correct OTEL_EXPORTER_OTLP_ENDPOINT`,
      );
}
