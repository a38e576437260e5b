import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { TallygateError, toMessage } from '../errors.ts';
import type { Send } from './import/event-input.ts';
import { createGatewaySend } from './import/gateway-send.ts';
import { parseMapping } from './import/mapping.ts';
import { type Format, formats, type Source, toSource } from './import/open-source.ts';
import { createProgress, type ProgressStream } from './import/progress.ts';
import { runImport } from './import/run-import.ts';
import { createSurvey, exitCodes, toExitCode, toSummary } from './import/summary.ts';
import { createTally } from './import/tally.ts';

export interface EmbeddedSend {
  readonly send: Send;
  /** Resolves when what was sent is durable and the store can be opened by another process. */
  close(): Promise<void>;
}

export interface ImportDeps {
  /** Opens the embedded store for one project; undefined asks for the only project there is. */
  readonly openEmbeddedSend: (project: string | undefined) => Promise<EmbeddedSend>;
  /** Aborted when the process was asked to stop. */
  readonly signal?: AbortSignal;
  readonly onExitCode: (code: number) => void;
  readonly stdin?: Readable;
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: ProgressStream;
}

interface Flags {
  format?: Format;
  map?: string[];
  set?: string[];
  mapping?: string;
  otherColumns?: 'properties' | 'drop';
  kind?: string;
  timezone?: string;
  null?: string[];
  delimiter?: string;
  quote?: string;
  looseQuotes?: boolean;
  columns?: string;
  url?: string;
  key?: string;
  keyFile?: string;
  project?: string;
  dryRun?: boolean;
  limit?: number;
  rejects?: string;
  show: number;
  concurrency: number;
  retryFor: number;
}

export const collect = (value: string, before: string[] = []) => [...before, value];

export function whole(value: string): number {
  if (!/^\d{1,12}$/.test(value)) throw new InvalidArgumentError('expected a whole number.');
  return Number(value);
}

/** `tallygate import`. The exit code goes to `onExitCode`: 0 all accepted, 3 some were not, 1 failed or stopped. */
export function createImportCommand(deps: ImportDeps): Command {
  return new Command('import')
    .description('Imports events from NDJSON, CSV or TSV files, plain or gzip. Safe to stop and to run again.')
    .argument('<file...>', 'files, or - for standard input')
    .addOption(new Option('--format <format>', 'instead of the one that the name of the file says').choices(formats))
    .option(
      '--map <target=column[:type]>',
      'where a column goes; repeat it (event, userId, properties.price ...)',
      collect,
    )
    .option('--set <target=value>', 'the same value for every row; repeat it', collect)
    .option('--mapping <file>', 'the mapping as a JSON file; flags win over it')
    .addOption(new Option('--other-columns <what>', 'columns that are mapped nowhere').choices(['properties', 'drop']))
    .option('--kind <kind>', 'kind of the rows that do not say it: track, page, screen, identify, group, alias')
    .option('--timezone <zone>', 'zone of times without an offset (default: UTC)')
    .option('--null <text>', 'a cell that means nothing, as \\N; repeat it', collect)
    .option('--columns <names>', 'names of the columns, comma-separated, of a file without a header')
    .option('--delimiter <character>', 'between cells (default: , and for TSV a tab)')
    .option('--quote <character>', 'around cells, or none (default: " and for TSV none)')
    .option('--loose-quotes', 'take quotes in the middle of a cell as they stand')
    .option('--url <address>', 'import through a running gateway: the address of its /graphql')
    .option('--key-file <file>', 'file with the write key for --url')
    .option('--key <key>', 'the write key itself, which other users of the machine can see')
    .option('--project <name>', 'project of the embedded store')
    .option('--dry-run', 'read and map only, and show what would be sent')
    .option('--limit <rows>', 'stop after so many rows', whole)
    .option('--rejects <file>', 'write each row that was not accepted, with the reason, as NDJSON')
    .option('--show <rows>', 'rows shown for each reason', whole, 5)
    .option('--concurrency <batches>', 'requests in flight', whole, 4)
    .option('--retry-for <seconds>', 'give up when nothing was taken for so long', whole, 300)
    .action(async (files: string[], flags: Flags) => deps.onExitCode(await importFiles(files, flags, deps)));
}

async function importFiles(files: readonly string[], flags: Flags, deps: ImportDeps): Promise<number> {
  const { stdin = process.stdin, stdout = process.stdout, stderr = process.stderr } = deps;
  let embedded: EmbeddedSend | undefined;
  try {
    const sources = await openAll(files, flags, stdin);
    const mapping = parseMapping({
      ...flags,
      ...(flags.null ? { nulls: flags.null } : {}),
      ...(flags.mapping === undefined ? {} : { file: await readText(flags.mapping, '--mapping') }),
    });
    const csv = toCsvOptions(flags);
    const through = await openGateway(flags);
    const tally = createTally(flags.rejects, flags.show);
    await tally.open();
    if (!flags.dryRun && !through) embedded = await deps.openEmbeddedSend(flags.project);
    const survey = flags.dryRun ? createSurvey() : undefined;
    const sizes = sources.map(({ size }) => size);
    const total = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    const progress = createProgress(stderr, { total, unit: 'rows' });
    const began = Date.now();
    const end = await runImport({
      sources,
      mapping,
      csv,
      send: flags.dryRun ? undefined : (through ?? embedded?.send),
      tally,
      progress,
      concurrency: Math.max(1, flags.concurrency),
      patienceMs: flags.retryFor * 1000,
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
      ...(deps.signal ? { signal: deps.signal } : {}),
      ...(survey ? { onEvent: survey.onEvent } : {}),
    });
    progress.stop();
    await tally.close();
    stdout.write(toSummary(end, tally, Date.now() - began, survey));
    if (end.end === 'failed') throw end.error;
    return toExitCode(end, tally);
  } catch (error) {
    stderr.write(`import: ${toMessage(error)}\n`);
    return exitCodes.failed;
  } finally {
    await embedded?.close();
  }
}

async function openAll(files: readonly string[], flags: Flags, stdin: Readable): Promise<Source[]> {
  const twice = files.find((file, index) => files.indexOf(file) !== index);
  if (twice !== undefined) throw new TallygateError('INVALID_INPUT', `expected each file once, got ${twice} twice`);
  if (flags.rejects !== undefined && files.some((file) => resolve(file) === resolve(flags.rejects as string))) {
    throw new TallygateError(
      'INVALID_INPUT',
      `--rejects: expected another file than the one to import, ${flags.rejects}`,
    );
  }
  return Promise.all(files.map((file) => toSource(file, flags.format, stdin)));
}

function toCsvOptions({ delimiter, quote, looseQuotes, columns }: Flags) {
  const between = delimiter === '\\t' || delimiter === 'tab' ? '\t' : delimiter;
  if (quote !== undefined && quote !== 'none' && quote.length !== 1) {
    throw new TallygateError('INVALID_INPUT', `--quote: expected one character or none, got ${quote}`);
  }
  return {
    ...(between === undefined ? {} : { delimiter: between }),
    ...(quote === undefined ? {} : { quote: quote === 'none' ? null : quote }),
    ...(looseQuotes ? { looseQuotes } : {}),
    ...(columns === undefined ? {} : { columns: columns.split(',').map((name) => name.trim()) }),
  };
}

/** undefined without --url. Throws INVALID_INPUT; `flags` are the names of the two that say the write key. */
export async function openGateway(
  { url, key, keyFile }: Pick<Flags, 'url' | 'key' | 'keyFile'>,
  flags = { key: '--key', keyFile: '--key-file' },
  onToken?: (token: string) => void,
): Promise<Send | undefined> {
  if (url === undefined) {
    if (key === undefined && keyFile === undefined) return undefined;
    throw new TallygateError('INVALID_INPUT', `expected --url beside ${flags.keyFile} or ${flags.key}, got none`);
  }
  if ((key === undefined) === (keyFile === undefined)) {
    throw new TallygateError('INVALID_INPUT', `expected one of ${flags.keyFile} and ${flags.key} beside --url`);
  }
  const secret = toSecret(key ?? (await readText(keyFile as string, flags.keyFile)), 'write key');
  return createGatewaySend({ url, key: secret, ...(onToken ? { onToken } : {}) });
}

/** Throws INVALID_INPUT, without what came. */
export function toSecret(text: string, what: string): string {
  const secret = text.trim();
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new TallygateError(
    'INVALID_INPUT',
    `expected a ${what} of printable characters on one line, got something else`,
  );
}

export async function readText(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TallygateError('INVALID_INPUT', `${flag}: expected a file that can be read: ${toMessage(cause)}`, {
      cause,
    });
  }
}
