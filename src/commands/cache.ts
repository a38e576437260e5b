import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { Config } from '../config.ts';
import { TallygateError, toMessage } from '../errors.ts';
import { askExplained, type GraphQLRequestFile } from './cache/ask-explained.ts';
import { toAccount } from './cache/explain-account.ts';
import { readText, toSecret } from './import.ts';

export interface CacheCommandDeps {
  /** Settings, for where the gateway is and for a token; read when they are not given. */
  readonly readConfig: () => Pick<Config, 'HOST' | 'PORT' | 'credentials'>;
  readonly onExitCode: (code: number) => void;
  /** Aborted when the process was asked to stop. */
  readonly signal?: AbortSignal;
  readonly stdin?: Readable;
  readonly stdout?: { write(text: string): unknown };
  readonly stderr?: { write(text: string): unknown };
}

interface Flags {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly sql?: boolean;
}

/** `tallygate cache explain`. The exit code goes to `onExitCode`: 0 explained, 1 the operation had errors, or there is no explanation. */
export function createCacheCommand(deps: CacheCommandDeps): Command {
  const explain = new Command('explain')
    .description('Runs a GraphQL request through a running gateway, and says why its numbers are as they are.')
    .argument('<request.json>', 'file with { "query", "variables", "operationName" }, or - for standard input')
    .option('--url <address>', 'the gateway (default: HOST and PORT of the settings)')
    .option('--token-file <file>', 'file with a token that may read reports')
    .option('--token <token>', 'the token itself (default: one of the settings, if they are of one project)')
    .option('--sql', 'show the SQL of statements')
    .option('--json', 'print the explanation as JSON')
    .action(async (file: string, flags: Flags) => deps.onExitCode(await explainFile(file, flags, deps)));
  return new Command('cache').description('what the cache of reports did').addCommand(explain);
}

async function explainFile(file: string, flags: Flags, deps: CacheCommandDeps): Promise<number> {
  const { stdin = process.stdin, stdout = process.stdout, stderr = process.stderr, signal } = deps;
  try {
    const request = parseRequest(file === '-' ? await text(stdin) : await readRequest(file), file);
    const url = toUrl(flags.url, deps);
    const token = await toToken(flags, deps);
    const { explanation, errors } = await askExplained(request, { url, token, ...(signal ? { signal } : {}) });
    for (const error of errors) stderr.write(`cache explain: the operation answered: ${error}\n`);
    if (explanation !== null)
      stdout.write(
        flags.json ? `${JSON.stringify(explanation, null, 2)}\n` : toAccount(explanation, flags.sql === true),
      );
    return explanation === null || errors.length > 0 ? 1 : 0;
  } catch (thrown) {
    stderr.write(`cache explain: ${toMessage(thrown)}\n`);
    return 1;
  }
}

async function readRequest(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TallygateError('INVALID_INPUT', `expected a file that can be read: ${toMessage(cause)}`, { cause });
  }
}

function parseRequest(source: string, file: string): GraphQLRequestFile {
  const where = file === '-' ? 'standard input' : file;
  const fail = (got: string): never => {
    throw new TallygateError(
      'INVALID_INPUT',
      `${where}: expected JSON as it is sent to /graphql, { "query": "...", "variables": { ... } }, got ${got}`,
    );
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch (thrown) {
    return fail(`something else: ${toMessage(thrown)}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return fail(Array.isArray(parsed) ? 'a list' : JSON.stringify(parsed).slice(0, 60));
  const { query } = parsed as { readonly query?: unknown };
  if (typeof query !== 'string') return fail('an object without a query of text');
  return { ...parsed, query };
}

function toUrl(given: string | undefined, { readConfig }: CacheCommandDeps): string {
  if (given === undefined) {
    const { HOST, PORT } = readConfig();
    const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
    return `http://${host.includes(':') ? `[${host}]` : host}:${PORT}/graphql`;
  }
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw new TallygateError(
      'INVALID_INPUT',
      `--url: expected an address such as http://127.0.0.1:4000/graphql, got ${given}`,
    );
  }
  const url = new URL(given);
  if (url.pathname === '/') url.pathname = '/graphql';
  return url.href;
}

async function toToken({ token, tokenFile }: Flags, { readConfig }: CacheCommandDeps): Promise<string> {
  if (token !== undefined && tokenFile !== undefined)
    throw new TallygateError('INVALID_INPUT', 'expected one of --token-file and --token, got both');
  if (tokenFile !== undefined) return toSecret(await readText(tokenFile, '--token-file'), 'token');
  if (token !== undefined) return toSecret(token, 'token');
  const readers = readConfig().credentials.filter(({ right }) => right !== 'write');
  const projects = [...new Set(readers.map(({ project }) => project))];
  if (readers[0] !== undefined && projects.length === 1) return readers[0].secret;
  throw new TallygateError(
    'INVALID_INPUT',
    `expected --token-file or --token, since the settings name ${projects.length === 0 ? 'no token that may read' : `tokens of several projects: ${projects.join(', ')}`}`,
  );
}
