import { Command, Option } from 'commander';
import { TallygateError, toMessage } from '../errors.ts';
import type { Send } from './import/event-input.ts';
import { parseMapping } from './import/mapping.ts';
import type { ProgressStream } from './import/progress.ts';
import { exitCodes, toExitCode, toSummary } from './import/summary.ts';
import { createTally, type Tally } from './import/tally.ts';
import { collect, openGateway, readText, toSecret, whole } from './import.ts';
import { toComparisonLines } from './migrate-from/compare.ts';
import { createGatewayReporter, type Reporter } from './migrate-from/reporter.ts';
import type { MigrationEnd, MigrationOptions } from './migrate-from/run-migration.ts';
import { parseSourceAddress } from './migrate-from/source-address.ts';

/** A store of this process: where events go, and what has been stored. */
export interface EmbeddedStore {
  readonly send: Send;
  readonly reporter: Reporter;
  /** Resolves when what was sent is durable and the store can be opened by another process. */
  close(): Promise<void>;
}

export interface MigrateFromDeps {
  readonly openEmbeddedStore: (project: string | undefined, onToken: (token: string) => void) => Promise<EmbeddedStore>;
  /** Aborted when the process was asked to stop. */
  readonly signal?: AbortSignal;
  readonly onExitCode: (code: number) => void;
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: ProgressStream;
}

interface Flags {
  table: string;
  key?: string;
  where: string;
  map?: string[];
  set?: string[];
  mapping?: string;
  otherColumns?: 'properties' | 'drop';
  kind?: string;
  timezone?: string;
  null?: string[];
  url?: string;
  writeKey?: string;
  writeKeyFile?: string;
  readToken?: string;
  readTokenFile?: string;
  project?: string;
  state?: string;
  chunk: number;
  maxRate?: number;
  concurrency: number;
  dryRun?: boolean;
  limit: number;
  rejects?: string;
  show: number;
  mostRejects: number;
  statementTimeout: number;
  retryFor: number;
  settle: number;
  verifyFor: number;
}

/** The counts differ, by more than what was rejected. */
const differs = 4;

/** `tallygate migrate-from`. The exit code goes to `onExitCode`: that of an import, or 4 where the counts differ. */
export function createMigrateFromCommand(deps: MigrateFromDeps): Command {
  return new Command('migrate-from')
    .description(
      'Copies a table of events out of PostgreSQL while everything goes on, and compares. Safe to run again.',
    )
    .argument('<address>', 'postgres://user@host:port/database; the password there, in PGPASSWORD or in ~/.pgpass')
    .requiredOption('--table <name>', 'the table, with its schema if need be')
    .option('--key <columns>', 'columns that order the copy, comma-separated (default: the primary key)')
    .option('--where <condition>', 'SQL: only these rows', 'TRUE')
    .option('--map <target=column[:type]>', 'where a column goes; repeat it (event, userId, messageId ...)', collect)
    .option('--set <target=value>', 'the same value for every row; repeat it', collect)
    .option('--mapping <file>', 'the mapping as a JSON file; flags win over it')
    .addOption(new Option('--other-columns <what>', 'columns that are mapped nowhere').choices(['properties', 'drop']))
    .option('--kind <kind>', 'kind of the rows that do not say it: track, page, screen, identify, group, alias')
    .option('--timezone <zone>', 'zone of times without an offset (default: UTC)')
    .option('--null <text>', 'a value that means nothing; repeat it', collect)
    .option('--url <address>', 'through a running gateway: the address of its /graphql')
    .option('--write-key-file <file>', 'file with the write key for --url')
    .option('--write-key <key>', 'the write key itself')
    .option('--read-token-file <file>', 'file with a read token for --url, to compare at the end')
    .option('--read-token <token>', 'the read token itself')
    .option('--project <name>', 'project of the embedded store')
    .option('--state <file>', 'how far it has come (default: migrate-TABLE.json in this folder)')
    .option('--chunk <rows>', 'rows that are read and acknowledged at a time', whole, 10_000)
    .option('--max-rate <rows>', 'rows a second at most, to spare the database', whole)
    .option('--concurrency <batches>', 'requests in flight', whole, 4)
    .option('--dry-run', 'read and map only, and show what would be sent')
    .option('--limit <rows>', 'rows that a dry run reads', whole, 10_000)
    .option('--rejects <file>', 'write each row that was not accepted, with the reason, as NDJSON')
    .option('--show <rows>', 'rows shown for each reason', whole, 5)
    .option('--most-rejects <rows>', 'give up when more rows are rejected', whole, 10_000)
    .option(
      '--statement-timeout <seconds>',
      'for a chunk; a look at the whole table may take 60 times as long',
      whole,
      60,
    )
    .option(
      '--retry-for <seconds>',
      'give up when nothing was taken, or the database was away, for so long',
      whole,
      300,
    )
    .option('--settle <seconds>', 'leave the last seconds out of the comparison', whole, 10)
    .option('--verify-for <seconds>', 'how long both sides may take to agree', whole, 60)
    .action(async (address: string, flags: Flags) => deps.onExitCode(await migrateFrom(address, flags, deps)));
}

async function migrateFrom(address: string, flags: Flags, deps: MigrateFromDeps): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr } = deps;
  const began = Date.now();
  let embedded: EmbeddedStore | undefined;
  try {
    const { options, tally } = await toOptions(address, flags, deps, stderr, (store) => {
      embedded = store;
    });
    await tally.open();
    const { runMigration } = await import('./migrate-from/run-migration.ts');
    const end = await runMigration(options);
    await tally.close();
    stdout.write(toSummary(end.end, tally, Date.now() - began, end.survey));
    const isUnverified = end.end.end === 'finished' && !end.survey && end.comparison === undefined;
    for (const line of [
      ...toLines(end, tally),
      ...(isUnverified ? ['compared      nothing: give --read-token-file to compare both sides'] : []),
    ])
      stdout.write(`${line}\n`);
    if (end.end.end === 'failed') throw end.end.error;
    if (end.comparison === null || (end.comparison?.differences.length ?? 0) > 0) return differs;
    const code = toExitCode(end.end, tally);
    return code === exitCodes.accepted && end.rejected > 0 ? exitCodes.rejected : code;
  } catch (error) {
    stderr.write(`migrate-from: ${toMessage(error)}\n`);
    return exitCodes.failed;
  } finally {
    await embedded?.close();
  }
}

function toLines({ again, rejected, conflicts, comparison, missing = [] }: MigrationEnd, { totals }: Tally): string[] {
  const count = (n: number) => n.toLocaleString('en-US');
  return [
    ...(rejected > totals.rejected + totals.deadLettered
      ? [`rejected      ${count(rejected)} with those of earlier runs`]
      : []),
    ...(again > 0 ? [`caught up     ${count(again)} rows that came or changed meanwhile`] : []),
    ...(conflicts ? [`conflicts     ${count(conflicts)} of them differ from what was stored first, which stands`] : []),
    ...(comparison === null
      ? ['compared      nothing: Tallygate had not stored everything in time; run it again']
      : []),
    ...(comparison ? toComparisonLines(comparison) : []),
    ...missing,
  ];
}

async function toOptions(
  address: string,
  flags: Flags,
  deps: MigrateFromDeps,
  stderr: ProgressStream,
  onEmbedded: (store: EmbeddedStore) => void,
): Promise<{ options: MigrationOptions; tally: Tally }> {
  const from = parseSourceAddress(address);
  const mapping = parseMapping({
    ...flags,
    ...(flags.null ? { nulls: flags.null } : {}),
    ...(flags.mapping === undefined ? {} : { file: await readText(flags.mapping, '--mapping') }),
  });
  const names = { key: '--write-key', keyFile: '--write-key-file' };
  const given = {
    ...(flags.url === undefined ? {} : { url: flags.url }),
    ...(flags.writeKey === undefined ? {} : { key: flags.writeKey }),
    ...(flags.writeKeyFile === undefined ? {} : { keyFile: flags.writeKeyFile }),
  };
  if (!flags.dryRun) await openGateway(given, names);
  const reporter = await openReporter(flags);
  const tally = createTally(flags.rejects, flags.show);
  return {
    tally,
    options: {
      address: from,
      table: flags.table,
      key: flags.key?.split(',').map((name) => name.trim()),
      where: flags.where,
      mapping,
      statePath: ({ name }) => flags.state ?? `migrate-${name.replace(/[^\w.-]/g, '_')}.json`,
      chunkRows: Math.max(1, flags.chunk),
      concurrency: Math.max(1, flags.concurrency),
      maxRate: flags.maxRate === undefined ? undefined : Math.max(1, flags.maxRate),
      mostRejects: flags.mostRejects,
      statementMs: flags.statementTimeout * 1000,
      patienceMs: flags.retryFor * 1000,
      settleMs: flags.settle * 1000,
      verifyMs: flags.verifyFor * 1000,
      dryRunRows: flags.dryRun ? flags.limit : undefined,
      target: flags.url ?? `the embedded store${flags.project === undefined ? '' : `, project ${flags.project}`}`,
      async openTarget(onToken) {
        const send = await openGateway(given, names, onToken);
        if (send) return { send, reporter };
        const store = await deps.openEmbeddedStore(flags.project, onToken);
        onEmbedded(store);
        return store;
      },
      tally,
      stderr,
      signal: deps.signal,
    },
  };
}

async function openReporter({ url, readToken, readTokenFile }: Flags): Promise<Reporter | undefined> {
  if (readToken === undefined && readTokenFile === undefined) return undefined;
  if (url === undefined) {
    throw new TallygateError('INVALID_INPUT', 'expected --url beside --read-token-file or --read-token, got none');
  }
  if (readToken !== undefined && readTokenFile !== undefined) {
    throw new TallygateError('INVALID_INPUT', 'expected one of --read-token-file and --read-token, got both');
  }
  const secret = toSecret(readToken ?? (await readText(readTokenFile as string, '--read-token-file')), 'read token');
  return createGatewayReporter(url, secret);
}
