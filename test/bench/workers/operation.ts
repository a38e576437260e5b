import { type ExecutionResult, execute, type parse } from 'graphql';
import type { Context } from '../../../resolvers/context.ts';
import { createSchema } from '../../../src/gateway/schema.ts';
import type { Reports } from '../../../src/reports/reports.ts';
import { reader } from '../dashboard-tiles.ts';
import { project } from '../report-events.ts';

const schema = createSchema();

/** One operation through schema and resolvers. */
export async function askOperation(
  reports: Reports,
  document: ReturnType<typeof parse>,
): Promise<Record<string, never>> {
  const begun = reports.begin(project, new AbortController().signal);
  const contextValue = { caller: reader, reports: () => begun } as unknown as Context;
  const { data, errors } = (await execute({ schema, document, contextValue })) as ExecutionResult;
  if (errors?.[0]) throw errors[0];
  return data as Record<string, never>;
}
