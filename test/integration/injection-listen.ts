import { createClient } from 'graphql-sse';
import type { Answer } from './injection-answers.ts';

/** The first message of a subscription, over server-sent events. */
export async function listen(
  url: string,
  secret: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<Answer> {
  const headers = { authorization: `Bearer ${secret}` };
  const client = createClient({ url: `${url}/graphql/stream`, headers, retryAttempts: 0 });
  try {
    for await (const message of client.iterate({ query, variables })) return message as Answer;
    throw new Error('expected a message, got none');
  } finally {
    client.dispose();
  }
}
