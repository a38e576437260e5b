// Who may import whom: docs/architecture.md explains the table, test/unit/layers.test.ts runs it.

/** A room and what it may import beside itself. What is not named here, it may not. */
const rooms = {
  main: { files: '^src/main\\.ts$', may: ['roles', 'commands', 'gateway', 'config', 'version', 'errors', 'telemetry'] },
  commands: {
    files: '^src/commands/',
    may: [
      'roles',
      'gateway',
      'ingest',
      'reports',
      'adapters',
      'ports',
      'events',
      'config',
      'version',
      'errors',
      'telemetry',
    ],
  },
  roles: {
    files: '^src/roles/',
    may: ['gateway', 'ingest', 'reports', 'adapters', 'ports', 'events', 'config', 'version', 'errors', 'telemetry'],
  },
  gateway: {
    files: '^src/gateway/',
    may: ['resolvers', 'ingest', 'reports', 'ports', 'events', 'config', 'version', 'errors', 'telemetry'],
  },
  resolvers: {
    files: '^resolvers/',
    may: ['ingest', 'reports', 'ports', 'events', 'config', 'errors', 'telemetry'],
  },
  ingest: { files: '^src/ingest/', may: ['ports', 'events', 'errors', 'telemetry'] },
  reports: { files: '^src/reports/', may: ['ports', 'events', 'errors', 'telemetry'] },
  adapters: { files: '^src/adapters/', may: ['ports', 'events', 'errors', 'telemetry'] },
  ports: { files: '^src/ports/', may: ['events', 'errors', 'telemetry'] },
  events: { files: '^src/events/', may: ['errors', 'telemetry'] },
  config: { files: '^src/config\\.ts$', may: ['errors'] },
  version: { files: '^src/version\\.ts$', may: [] },
  errors: { files: '^src/errors\\.ts$', may: [] },
  telemetry: { files: '^src/telemetry/', may: [] },
};

/** Packages that one place alone may know, so that they can be replaced there. */
const owners = {
  kafkajs: '^src/adapters/kafka/',
  '@clickhouse/client': '^src/adapters/clickhouse/',
  chdb: '^src/adapters/clickhouse/',
  couchbase: '^src/adapters/couchbase/',
  cockatiel: '^src/adapters/couchbase/',
  lmdb: '^src/adapters/lmdb/',
  'lru-cache': '^src/(adapters/memory|gateway|reports)/',
  '@apollo/server': '^src/gateway/',
  '@as-integrations/fastify': '^src/gateway/',
  '@fastify/cors': '^src/gateway/',
  fastify: '^src/gateway/',
  'graphql-jit': '^src/gateway/',
  'graphql-ws': '^src/gateway/subscriptions/',
  ws: '^src/gateway/subscriptions/',
  'apache-arrow': '^src/gateway/export/formats/',
  hyparquet: '^src/gateway/export/formats/',
  'hyparquet-writer': '^src/gateway/export/formats/',
  '@graphql-tools/schema': '^src/gateway/',
  graphql: '^(src/gateway|resolvers)/',
  'graphql-scalars': '^resolvers/',
  dataloader: '^src/reports/',
  'temporal-polyfill': '^src/(reports|commands/import)/',
  '@opentelemetry/[^/]+': '^src/telemetry/',
  pino: '^src/telemetry/',
  'prom-client': '^src/telemetry/',
  zod: '^src/(config\\.ts$|commands/(import|migrate-from)/)',
  pg: '^src/commands/migrate-from/',
  commander: '^src/(main\\.ts$|commands/)',
};

const ours = '^(src|resolvers)/';
const product = '^(src|resolvers)/.*\\.ts$';

const roomRules = Object.entries(rooms).map(([room, { files, may }]) => ({
  name: `room-${room}`,
  comment: `${room} may import ${may.length > 0 ? may.join(', ') : 'nothing of ours'}`,
  severity: 'error',
  from: { path: files },
  to: { path: ours, pathNot: [files, ...may.map((other) => rooms[other].files)] },
}));

const ownerRules = Object.entries(owners).map(([name, path]) => ({
  name: `package-${name.replace('/[^/]+', '').replace(/^@/, '')}`,
  comment: `only ${path} may know the package ${name}`,
  severity: 'error',
  from: { path: product, pathNot: path },
  to: { path: `^node_modules/${name}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...roomRules,
    ...ownerRules,
    {
      name: 'homeless',
      comment: 'every file of the product belongs to a room',
      severity: 'error',
      from: { path: product, pathNot: Object.values(rooms).map(({ files }) => files) },
      to: {},
    },
    {
      name: 'resolvers-know-only-types-of-the-settings',
      comment: 'a resolver gets what it needs in its context',
      severity: 'error',
      from: { path: rooms.resolvers.files },
      to: { path: rooms.config.files, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'adapters-know-only-themselves',
      comment: 'an adapter can be replaced by replacing its folder; the queue before the logs is no adapter',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/', pathNot: '^src/adapters/($1|queue)/' },
    },
    {
      name: 'nothing-of-the-tests',
      comment: 'the product runs without its tests',
      severity: 'error',
      from: { path: product },
      to: { path: '^(test|deploy)/' },
    },
    {
      name: 'no-cycle',
      comment: 'of two files that need each other, one part belongs into a third',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-missing-package',
      comment: 'what the product imports stands in dependencies',
      severity: 'error',
      from: { path: product },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Imports of types count: they bind as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
    skipAnalysisNotInRules: false,
  },
};
