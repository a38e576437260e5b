import { Command } from 'commander';
import type { Role } from './commands/run-role.ts';
import { onStopSignal } from './commands/signals.ts';
import { readConfig, readSurroundings } from './config.ts';
import { isTallygateError, toMessage } from './errors.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { isTracingWanted, startTracing } from './telemetry/tracing.ts';
import type { Tracing } from './telemetry/tracing-sdk.ts';
import { version } from './version.ts';

/** Arguments, settings, telemetry, role. Roles are imported when tracing has patched what they import. */
const program = new Command('tallygate')
  .description('GraphQL analytics and tracking gateway. Settings are environment variables: see docs/settings.md.')
  .version(version)
  .showHelpAfterError('(--help says what there is)');

// Whoever read our output may have gone away; the service has not.
process.stdout.on('error', () => {});

let tracing: Tracing | undefined;

/** Ends the process when what is to be sent has been sent. */
async function end(code: number): Promise<never> {
  await tracing?.shutdown();
  process.exit(code);
}

const print = (line: string) => void process.stdout.write(`${line}\n`);

async function prepare() {
  const config = readConfig();
  const logger = createLogger(config.LOG_LEVEL);
  tracing = await startTracing({
    enabled: isTracingWanted(config),
    sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
    samplerFromEnvironment: config.OTEL_TRACES_SAMPLER !== undefined,
    serviceName: 'tallygate',
    serviceVersion: version,
    logger,
  });
  return { config, telemetry: { logger, metrics: createMetrics() } };
}

async function role(load: () => Promise<Role>): Promise<void> {
  const { config, telemetry } = await prepare();
  const [{ runRole }, { toGreeting }, run] = await Promise.all([
    import('./commands/run-role.ts'),
    import('./commands/welcome.ts'),
    load(),
  ]);
  await end(await runRole(run, config, telemetry, ({ url }) => process.stdout.write(toGreeting(run, config, url))));
}

program
  .command('serve', { isDefault: true })
  .description('gateway and sink in one process; embedded log, warehouse and cache unless others are set')
  .allowExcessArguments()
  .action((_options: object, { args }: Command) => {
    if (args.length > 0) program.error(`error: unknown command '${args[0]}'`);
    return role(async () => (await import('./roles/serve.ts')).runServe);
  });
program
  .command('gateway')
  .description('answers mutations and reports; needs KAFKA_BROKERS and CLICKHOUSE_URL')
  .action(() => role(async () => (await import('./roles/gateway.ts')).runGateway));
program
  .command('sink')
  .description('stores what gateways have acknowledged; needs KAFKA_BROKERS and CLICKHOUSE_URL')
  .action(() => role(async () => (await import('./roles/sink.ts')).runSink));
program
  .command('migrate')
  .description('makes missing tables and topics')
  .option('--new-epoch', 'the log was replaced by a new one: count its positions anew')
  .action(async (options: { newEpoch?: boolean }) => {
    const { config, telemetry } = await prepare();
    await (await import('./commands/migrate.ts')).runMigrate(config, telemetry, options, print);
    await end(0);
  });
program
  .command('doctor')
  .description('checks settings and backends, and says what to do')
  .action(async () => {
    const { runDoctor } = await import('./commands/doctor.ts');
    await end(await runDoctor(readConfig, readSurroundings(), print));
  });
program
  .command('schema')
  .description('the GraphQL contract')
  .command('print')
  .description('prints the SDL')
  .option('--federation', 'what a router composes, with the types of ENTITIES_FILE')
  .action(async ({ federation }: { federation?: boolean }) => {
    const { readTypeDefs } = await import('./gateway/schema.ts');
    if (!federation) return void process.stdout.write(readTypeDefs());
    const { readSubgraph } = await import('./gateway/federation.ts');
    const entitiesFile = readConfig().ENTITIES_FILE ?? null;
    process.stdout.write(readSubgraph({ typeDefs: readTypeDefs(), entitiesFile, introspection: true }).sdl);
  });

const [
  { createImportCommand },
  { createMigrateFromCommand },
  { createDemoCommand },
  { createVerifyCommand },
  { createReplayCommand },
  { createDedupeCommand },
  { createCacheCommand },
] = await Promise.all([
  import('./commands/import.ts'),
  import('./commands/migrate-from.ts'),
  import('./commands/demo.ts'),
  import('./commands/verify.ts'),
  import('./commands/replay.ts'),
  import('./commands/dedupe.ts'),
  import('./commands/cache.ts'),
]);
const interrupted = new AbortController();
const untilSignal = (command: Command) => command.hook('preAction', () => onStopSignal(() => interrupted.abort()));
const ending = { signal: interrupted.signal, onExitCode: (code: number) => void end(code) };
program.addCommand(
  untilSignal(
    createImportCommand({
      ...ending,
      openEmbeddedSend: async (project) => {
        const { config, telemetry } = await prepare();
        return (await import('./commands/embedded-send.ts')).openEmbeddedSend(config, telemetry, project);
      },
    }),
  ),
);
program.addCommand(
  untilSignal(
    createMigrateFromCommand({
      ...ending,
      openEmbeddedStore: async (project, onToken) => {
        const { config, telemetry } = await prepare();
        return (await import('./commands/embedded-send.ts')).openEmbeddedSend(config, telemetry, project, onToken);
      },
    }),
  ),
);
program.addCommand(untilSignal(createDemoCommand(ending)));
program.addCommand(untilSignal(createCacheCommand({ ...ending, readConfig })));

const openStore = async () => {
  const { config, telemetry } = await prepare();
  return (await import('./commands/store/open-store.ts')).openStore(config, telemetry);
};
for (const create of [createVerifyCommand, createReplayCommand, createDedupeCommand])
  program.addCommand(untilSignal(create({ ...ending, openStore })));

try {
  await program.parseAsync();
} catch (thrown) {
  process.stderr.write(
    `tallygate: ${toMessage(thrown)}\n${isTallygateError(thrown) ? '' : `${(thrown as Error)?.stack ?? ''}\n`}`,
  );
  await end(1);
}
