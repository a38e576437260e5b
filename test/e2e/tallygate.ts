import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePorts } from '../servers/ports.ts';
import { type ServerProcess, startProcess } from '../servers/process.ts';

const root = join(import.meta.dirname, '../..');

export const secrets = { write: 'wk_e2e', read: 'rt_e2e', otherRead: 'rt_other' } as const;

export interface Role extends ServerProcess {
  readonly url: string;
  /** What it has written to stdout and stderr. */
  output(): Promise<string>;
}

/** Starts `tallygate ROLE` as a process of its own, with nothing of this process's settings but `env`. */
export async function startRole(
  role: 'serve' | 'gateway' | 'sink',
  dir: string,
  env: Readonly<Record<string, string>>,
): Promise<Role> {
  const [port] = (await findFreePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(dir, `${role}.log`);
  const process = await startProcess({
    name: `tallygate ${role}`,
    command: 'node',
    args: [join(root, 'src/bin.cjs'), role],
    env: {
      WRITE_KEYS: `e2e=${secrets.write}`,
      READ_TOKENS: `e2e=${secrets.read},other=${secrets.otherRead}`,
      NODE_OPTIONS: '',
      ...env,
      PORT: String(port),
    },
    logFile,
    answers: async () => (await fetch(`${url}/readyz`)).ok,
    startMs: 30_000,
    stopMs: 40_000,
  });
  return Object.assign(process, { url, output: () => readFile(logFile, 'utf8') });
}

export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data;
  readonly errors:
    | readonly {
        message: string;
        path?: (string | number)[];
        extensions: { code: string; retriable?: boolean; retryAfterMs?: number; [fact: string]: unknown };
      }[]
    | undefined;
}

/** One GraphQL request. */
export async function ask<Data = Record<string, never>>(
  url: string,
  token: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors: Answer<Data>['errors'] };
  return { status: response.status, headers: response.headers, data, errors };
}

/** Tries again until the check passes; rejects with its last failure when the time is over. */
export async function eventually<T>(check: () => Promise<T>, seconds = 30): Promise<T> {
  for (const until = Date.now() + seconds * 1000; ; ) {
    try {
      return await check();
    } catch (thrown) {
      if (Date.now() > until) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
