import { z } from 'zod';
import { TallygateError } from './errors.ts';

/**
 * The only reader of the environment. Every setting stands in `settings`, with the sentence that docs/settings.md shows;
 * all mistakes are reported at once.
 */

const flag = z.enum(['true', 'false', '1', '0']).transform((v) => v === 'true' || v === '1');
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `expected at least ${min}`).max(max, `expected at most ${max}`));
const url = (...schemes: string[]) =>
  z.string().refine((v) => schemes.some((s) => v.startsWith(`${s}://`)) && URL.canParse(v), {
    message: `expected an address that begins with ${schemes.map((s) => `${s}://`).join(' or ')}`,
  });
const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected letters, digits and _, 64 at most');
const secretPairs = z
  .string()
  .transform((v) =>
    v
      .split(',')
      .map((pair) => pair.trim())
      .filter(Boolean),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9_-]{0,62}=[^\s=,]{4,200}$/,
          'expected project=secret, a project in lower case and a secret of 4 to 200 characters',
        )
        .transform((pair) => {
          const [project, secret] = pair.split('=') as [string, string];
          return { project, secret };
        }),
    ),
  );

const budgets = z
  .string()
  .transform((v) =>
    v
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9_-]{0,62}=[1-9]\d{0,14}(\/[1-9]\d{0,14})?$/,
          'expected target=price or target=price/price a minute, a target that is a project or the key of a credential (the first 8 digits of its SHA-256)',
        )
        .transform((one): BudgetSetting => {
          const [target, prices] = one.split('=') as [string, string];
          const [perOperation, perMinute] = prices.split('/');
          return { target, perOperation: Number(perOperation), perMinute: perMinute ? Number(perMinute) : null };
        }),
    ),
  );

/** What reports may cost: of a credential, or of all those of a project that have none of their own. */
export interface BudgetSetting {
  readonly target: string;
  readonly perOperation: number;
  readonly perMinute: number | null;
}

export const settings = {
  PORT: [integer(0, 65_535).default(4000), 'Port of the HTTP listener of every role; 0 picks a free one.'],
  HOST: [z.string().min(1).default('127.0.0.1'), 'Address to listen on.'],
  DATA_DIR: [z.string().min(1).default('./data'), 'Folder of the embedded log and warehouse.'],
  WRITE_KEYS: [secretPairs.default([]), 'project=secret, comma-separated: credentials that may track.'],
  READ_TOKENS: [secretPairs.default([]), 'project=secret, comma-separated: credentials that may ask for reports.'],
  EDIT_TOKENS: [
    secretPairs.default([]),
    'project=secret, comma-separated: credentials that may ask for reports, and save cohorts and reports.',
  ],
  ADMIN_TOKENS: [
    secretPairs.default([]),
    'project=secret, comma-separated: credentials that may do all of this, and administer.',
  ],
  READ_BUDGETS: [
    budgets.default([]),
    'target=price or target=price/price a minute, comma-separated: what operations may cost, of a project or of a key; unset refuses none.',
  ],
  RETENTION_DAYS: [
    integer(1, 36_500).optional(),
    'Events older than this many days go to the dead letters; unset keeps any past date.',
  ],
  INTROSPECTION: [flag.default(true), 'Whether the schema may be read by introspection and GET /schema.graphql.'],
  FEDERATION: [flag.default(false), 'Whether this is a subgraph of an Apollo federation.'],
  ENTITIES_FILE: [
    z.string().min(1).optional(),
    'SDL file with the types of other services that have reports here; needs FEDERATION.',
  ],
  CORS_ORIGINS: [z.string().default('*'), 'Origins that browsers may send from: * or a comma-separated list.'],
  LOG_LEVEL: [
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
    'Least level of log lines.',
  ],
  MAX_IN_FLIGHT: [
    integer(10, 100_000).default(2000),
    'Requests to /graphql that are answered at once; more are refused with 503 before they are read, reports from half of it on.',
  ],
  MIGRATE_AT_START: [flag.default(true), 'Whether roles create missing tables and topics when they start.'],
  SHUTDOWN_SECONDS: [integer(1, 600).default(30), 'Deadline of an orderly stop, in seconds.'],
  DRAIN_DELAY_MS: [
    integer(0, 60_000).default(0),
    'Time between "not ready" and closing the listener, for load balancers to notice.',
  ],

  KAFKA_BROKERS: [
    z
      .string()
      .regex(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, 'expected host:port, comma-separated')
      .optional(),
    'Brokers; unset uses the embedded log.',
  ],
  KAFKA_TLS: [flag.default(false), 'Whether to talk TLS to the brokers.'],
  KAFKA_SASL_MECHANISM: [
    z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
    'SASL mechanism; needs KAFKA_USERNAME and KAFKA_PASSWORD.',
  ],
  KAFKA_USERNAME: [z.string().min(1).optional(), 'SASL user.'],
  KAFKA_PASSWORD: [z.string().min(1).optional(), 'SASL password.'],
  KAFKA_TOPIC: [
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, . _ -')
      .default('tallygate.events'),
    'Topic of the events.',
  ],
  KAFKA_GROUP: [
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, . _ -')
      .default('tallygate.sink'),
    'Consumer group of the sinks.',
  ],
  KAFKA_PARTITIONS: [
    integer(1, 1000).default(8),
    'Partitions for live events when the topic is created; it gets as many again for history.',
  ],
  KAFKA_REPLICATION: [
    integer(1, 7).optional(),
    'Replicas of the topic when it is created; by default 3, or as many as there are brokers.',
  ],

  KAFKA_SESSION_SECONDS: [
    integer(6, 300).default(45),
    'How long a sink that died keeps its partitions before others get them, in seconds.',
  ],

  CLICKHOUSE_URL: [url('http', 'https').optional(), 'ClickHouse over HTTP; unset uses the engine in-process.'],
  CLICKHOUSE_USER: [z.string().min(1).default('default'), 'ClickHouse user.'],
  CLICKHOUSE_PASSWORD: [z.string().default(''), 'ClickHouse password.'],
  CLICKHOUSE_REPORTS_USER: [
    z.string().min(1).optional(),
    'A user of ClickHouse for the statements of reports: row policies let it see one project at a time.',
  ],
  CLICKHOUSE_REPORTS_PASSWORD: [z.string().default(''), 'Password of that user.'],
  CLICKHOUSE_DATABASE: [identifier.default('tallygate'), 'Database of all tables; made when missing.'],
  CLICKHOUSE_CLUSTER: [
    identifier.optional(),
    'Cluster name: tables become replicated, with distributed ones in front.',
  ],

  COUCHBASE_URL: [url('couchbase', 'couchbases').optional(), 'Couchbase; unset caches in memory.'],
  COUCHBASE_USER: [z.string().min(1).default('Administrator'), 'Couchbase user.'],
  COUCHBASE_PASSWORD: [z.string().default(''), 'Couchbase password.'],
  COUCHBASE_BUCKET: [z.string().min(1).default('default'), 'Bucket of cached answers.'],
  COUCHBASE_SCOPE: [z.string().min(1).default('_default'), 'Scope of cached answers.'],
  COUCHBASE_COLLECTION: [z.string().min(1).default('_default'), 'Collection of cached answers.'],
  CACHE_MEMORY_MB: [integer(1, 65_536).default(64), 'Size of the in-process report cache, in MiB.'],

  SINK_BATCH_ROWS: [integer(1, 200_000).default(50_000), 'Most rows of one insert.'],
  SINK_LINGER_MS: [
    integer(1, 60_000).optional(),
    'Longest time that the sink collects rows for one insert, in milliseconds (unset: 500 with the embedded warehouse, 1000 with a server).',
  ],
  SINK_STALL_SECONDS: [
    integer(10, 86_400).default(300),
    'The sink ends, to be started anew, when events wait and not one of its steps has come to an end for so long, in seconds.',
  ],
  DEDUP_WINDOW_HOURS: [integer(1, 720).default(24), 'How long a messageId is remembered, in hours.'],
  DEDUP_MEMORY_MB: [integer(1, 65_536).default(512), 'Most memory for the messageIds of all partitions, in MiB.'],
  LOG_RETENTION_HOURS: [
    integer(1, 8760).default(168),
    'How long the log keeps events that are in the warehouse, in hours.',
  ],
  QUERY_SECONDS: [integer(1, 3600).default(30), 'Longest execution of a report statement, in seconds.'],
  QUERY_MEMORY_MB: [
    integer(64, 1_048_576).default(4096),
    'Most memory of a report statement, in MiB; groups and lists beyond a quarter of it go to disk.',
  ],

  EXPORTS_AT_ONCE: [integer(1, 1000).default(4), 'Exports that a gateway writes at once; more are refused with 429.'],
  EXPORTS_PER_PROJECT: [integer(1, 1000).default(2), 'The same for one project.'],

  SUBSCRIPTIONS_AT_ONCE: [
    integer(1, 100_000).default(2000),
    'Subscriptions that a gateway serves at once; more are refused.',
  ],
  SUBSCRIPTIONS_PER_PROJECT: [integer(1, 100_000).default(1000), 'The same for one project.'],
  SUBSCRIPTIONS_PER_CONNECTION: [integer(1, 10_000).default(100), 'The same for one WebSocket.'],
  SUBSCRIPTION_MEMORY_MB: [
    integer(1, 65_536).default(128),
    'Most memory for what waits for subscribers, in MiB; beyond it those who have most waiting lose the oldest events.',
  ],
  SUBSCRIPTION_STALL_SECONDS: [
    integer(1, 3600).default(30),
    'A subscriber that has not taken a message after so long is closed, in seconds.',
  ],
  TREND_CHANGES_MS: [
    integer(250, 600_000).default(1000),
    'Least time between two computations of a trend for its subscribers, in milliseconds.',
  ],

  OTEL_EXPORTER_OTLP_ENDPOINT: [
    z.string().optional(),
    'Where traces go; the other OTEL_* variables mean what the OpenTelemetry specification says.',
  ],
  OTEL_TRACES_EXPORTER: [
    z.string().optional(),
    'otlp, console or none; setting it, or an endpoint, switches tracing on.',
  ],
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: [z.string().optional(), 'As OTEL_EXPORTER_OTLP_ENDPOINT, for traces alone.'],
  OTEL_SDK_DISABLED: [flag.default(false), 'Switches tracing off whatever else is set.'],
  OTEL_TRACES_SAMPLER: [
    z.string().optional(),
    'Sampler, by its name in the OpenTelemetry specification; unset, OTEL_TRACES_SAMPLER_ARG is the share of new traces.',
  ],
  OTEL_TRACES_SAMPLER_ARG: [
    z.coerce.number().min(0).max(1).default(0.01),
    'Share of requests that are traced, 0 to 1.',
  ],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

type Settings = { readonly [K in keyof typeof settings]: z.output<(typeof settings)[K][0]> };

export type Right = 'write' | 'read' | 'edit' | 'admin';

export interface Credential {
  readonly project: string;
  readonly secret: string;
  readonly right: Right;
}

export interface Config extends Omit<Settings, 'WRITE_KEYS' | 'READ_TOKENS' | 'EDIT_TOKENS' | 'ADMIN_TOKENS'> {
  readonly credentials: readonly Credential[];
  /** The demo project's credentials are in force: nothing was set, and only this machine can reach us. */
  readonly demo: boolean;
}

const loopback = new Set(['127.0.0.1', 'localhost', '::1']);
export const demoSecrets = { write: 'wk_demo', read: 'rt_demo', admin: 'at_demo' } as const;

/** Parses settings; throws CONFIG_INVALID with one line for each mistake. Never repeats a secret's value. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, [schema]] of Object.entries(settings)) {
    const raw = environment[name];
    const parsed = schema.safeParse(raw === '' ? undefined : raw);
    if (parsed.success) values[name] = parsed.data;
    else {
      for (const { message, path } of parsed.error.issues) {
        const which = typeof path[0] === 'number' ? ` (number ${path[0] + 1} of the list)` : '';
        mistakes.push(`${name}${which}: ${message}${shown(name, raw)}`);
      }
    }
  }
  const set = values as Partial<Settings>;
  const sasl = [set.KAFKA_SASL_MECHANISM, set.KAFKA_USERNAME, set.KAFKA_PASSWORD].filter((v) => v !== undefined).length;
  if (sasl !== 0 && sasl !== 3) {
    mistakes.push('KAFKA_SASL_MECHANISM, KAFKA_USERNAME, KAFKA_PASSWORD: expected all three or none');
  }
  if (set.CLICKHOUSE_CLUSTER !== undefined && set.CLICKHOUSE_URL === undefined) {
    mistakes.push('CLICKHOUSE_CLUSTER: expected CLICKHOUSE_URL beside it, since the embedded engine has no cluster');
  }
  if (set.ENTITIES_FILE !== undefined && set.FEDERATION === false)
    mistakes.push('ENTITIES_FILE: expected FEDERATION=true beside it, since nothing else uses it');
  const credentials = [
    ...(set.WRITE_KEYS ?? []).map((c) => ({ ...c, right: 'write' as const })),
    ...(set.READ_TOKENS ?? []).map((c) => ({ ...c, right: 'read' as const })),
    ...(set.EDIT_TOKENS ?? []).map((c) => ({ ...c, right: 'edit' as const })),
    ...(set.ADMIN_TOKENS ?? []).map((c) => ({ ...c, right: 'admin' as const })),
  ];
  const seen = new Set<string>();
  for (const { secret, project } of credentials) {
    if (seen.has(secret))
      mistakes.push(
        `WRITE_KEYS, READ_TOKENS, EDIT_TOKENS, ADMIN_TOKENS: expected each secret once, one of project ${project} is there twice`,
      );
    seen.add(secret);
  }
  if (mistakes.length > 0) {
    throw new TallygateError(
      'CONFIG_INVALID',
      `${mistakes.length === 1 ? 'A setting is' : `${mistakes.length} settings are`} wrong:\n${mistakes.map((m) => `  - ${m}`).join('\n')}`,
    );
  }
  const demo = credentials.length === 0 && loopback.has(set.HOST as string);
  if (demo) {
    for (const right of ['write', 'read', 'admin'] as const)
      credentials.push({ project: 'demo', secret: demoSecrets[right], right } as never);
  }
  const { WRITE_KEYS: _w, READ_TOKENS: _r, EDIT_TOKENS: _e, ADMIN_TOKENS: _a, ...rest } = values as unknown as Settings;
  return { ...rest, credentials, demo };
}

/** Parses this process's environment. */
export function readConfig(): Config {
  return parseConfig(process.env);
}

/** What of the environment matters beside the settings. */
export interface Surroundings {
  /** Threads of libuv's pool; Node's own default is 4. */
  readonly threads: string | undefined;
  /** Every name that is set. */
  readonly names: readonly string[];
}

export function readSurroundings(): Surroundings {
  return { threads: process.env.UV_THREADPOOL_SIZE, names: Object.keys(process.env) };
}

const secretNames = /KEYS|TOKENS|PASSWORD/;

function shown(name: string, raw: string | undefined): string {
  if (raw === undefined || secretNames.test(name)) return '';
  // An address may hold a password.
  const text = raw.replace(/^.*@/s, '...@');
  return `, got ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)}`;
}
