import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify } from 'fastify';
import { buildSchema, execute, parse, validate } from 'graphql';
import { Kafka, logLevel } from 'kafkajs';
import { isSampled, withSpan } from '../../src/telemetry/tracing.ts';

// Imported as production code is: statically, by name, after tracing was started and never before.

const schema = buildSchema(`
  type Query {
    work(customer: String, n: Int): Work
    broken(customer: String): Int
    publish(person: String): Boolean
  }
  type Work { n: Int, customer: String, sampled: Boolean }
`);

export async function startTracedApp(): Promise<{ port: number; close(): Promise<void> }> {
  const app = fastify();
  let port = 0;

  const rootValue = {
    work: async ({ n, customer }: { n: number; customer: string }) => {
      await sleep(5);
      return withSpan('work.inside', { n }, async (span) => {
        await fetchStatus(`http://127.0.0.1:${port}/echo?param_customer=${customer}`);
        span.setAttribute('rows', 3);
        return { n, customer, sampled: isSampled() };
      });
    },
    broken: ({ customer }: { customer: string }) =>
      withSpan('work.broken', {}, async () => {
        throw Object.assign(new Error(`expected no customer, got ${customer}`), { code: 'INVALID_INPUT' });
      }),
    publish: async ({ person }: { person: string }) => {
      const producer = new Kafka({
        brokers: ['127.0.0.1:1'],
        retry: { retries: 0 },
        logLevel: logLevel.NOTHING,
      }).producer();
      const messages = [1, 2, 3].map(() => ({ key: `demo:${person}`, value: '{}' }));
      return producer.send({ topic: 'events', messages }).then(
        () => true,
        () => false,
      );
    },
  };

  app.get('/echo', () => 'ok');
  app.get('/healthz', () => 'ok');
  app.post<{ Body: { query: string; variables?: Record<string, unknown> } }>('/graphql', async ({ body }) => {
    const document = parse(body.query);
    const errors = validate(schema, document);
    if (errors.length > 0) return { errors };
    return execute({ schema, document, rootValue, variableValues: body.variables ?? {}, contextValue: {} });
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  port = address.port;
  return { port, close: () => app.close() };
}

function fetchStatus(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0))).on('error', reject);
  });
}
