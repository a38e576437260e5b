import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSchema, type GraphQLScalarType, type GraphQLSchema, graphql, Kind } from 'graphql';
import type { EventFields, EventInput } from '../../src/commands/import/event-input.ts';

/**
 * A recording endpoint behind the real schema, executed by graphql-js: it answers trackBatch and can be told to be slow,
 * busy or gone. It takes no part in what a gateway does with events; that is for the end-to-end test.
 */
export type Behaviour =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  | { readonly kind: 'drop'; readonly after: boolean }
  | { readonly kind: 'slow'; readonly ms: number };

export interface Verdict {
  readonly status: 'ACCEPTED' | 'REJECTED' | 'DEAD_LETTERED' | 'RETRY';
  readonly errors?: readonly { readonly code: string; readonly path: readonly string[]; readonly message: string }[];
}

const key = 'wk_stub';
const limits = { bytes: 500 * 1024, events: 2500 };

function toSchema(): GraphQLSchema {
  const files = ['tracking', 'scalars'].map((name) =>
    readFileSync(new URL(`../../schema/${name}.graphql`, import.meta.url), 'utf8'),
  );
  const schema = buildSchema(`${files.join('\n')}\ntype Query { none: Int }`);
  refine(schema, 'DateTime', (value) => {
    if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return value;
    throw new TypeError(`expected a moment in RFC 3339, got ${JSON.stringify(value)}`);
  });
  refine(schema, 'JSONObject', (value) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw new TypeError(`expected a JSON object, got ${JSON.stringify(value)}`);
  });
  return schema;
}

function refine(schema: GraphQLSchema, name: string, parse: (value: unknown) => unknown): void {
  const scalar = schema.getType(name) as GraphQLScalarType;
  scalar.parseValue = parse;
  scalar.parseLiteral = (node) => (node.kind === Kind.STRING ? parse(node.value) : undefined);
}

export async function startStub(
  judge: (fields: EventFields, attempt: number) => Verdict = () => ({ status: 'ACCEPTED' }),
) {
  const schema = toSchema();
  const script: Behaviour[] = [];
  const accepted = new Map<string, EventInput>();
  const attempts = new Map<string, number>();
  const requests: { at: number; events: number; bytes: number; authorization: string }[] = [];
  let inFlight = 0;
  let mostInFlight = 0;

  const rootValue = {
    trackBatch: ({ input }: { input: { events: EventInput[] } }) => {
      const results = input.events.map((event, index) => {
        const fields = Object.values(event)[0] as EventFields;
        const messageId = fields.messageId as string;
        const attempt = (attempts.get(messageId) ?? 0) + 1;
        attempts.set(messageId, attempt);
        const verdict = judge(fields, attempt);
        if (verdict.status === 'ACCEPTED') accepted.set(messageId, event);
        return { index, messageId, errors: [], ...verdict };
      });
      const taken = results.filter(({ status }) => status === 'ACCEPTED').length;
      return { accepted: taken, rejected: results.length - taken, results, token: 'WzAsMF0' };
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { query, variables } = JSON.parse(body.toString()) as { query: string; variables: { events: unknown[] } };
    const authorization = request.headers.authorization ?? '';
    requests.push({ at: Date.now(), events: variables.events.length, bytes: body.length, authorization });
    const reply = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    const behaviour = script.shift();
    if (behaviour?.kind === 'slow') await sleep(behaviour.ms);
    if (behaviour?.kind === 'status') return reply(behaviour.status, behaviour.body ?? 'busy', behaviour.headers);
    if (behaviour?.kind === 'drop' && !behaviour.after) return void request.socket.destroy();
    if (authorization !== `Bearer ${key}`) {
      return reply(401, { errors: [{ message: 'unknown key', extensions: { code: 'UNAUTHENTICATED' } }] });
    }
    if (body.length > limits.bytes + 1024 || variables.events.length > limits.events) {
      return reply(413, { errors: [{ message: 'too large', extensions: { code: 'PAYLOAD_TOO_LARGE' } }] });
    }
    const result = await graphql({ schema, source: query, rootValue, variableValues: variables });
    if (behaviour?.kind === 'drop') return void request.socket.destroy();
    reply(result.data ? 200 : 400, result);
  }

  const server = createServer((request, response) => {
    inFlight++;
    mostInFlight = Math.max(mostInFlight, inFlight);
    response.once('close', () => inFlight--);
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    key,
    accepted,
    attempts,
    requests,
    script,
    mostInFlight: () => mostInFlight,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Stub = Awaited<ReturnType<typeof startStub>>;
