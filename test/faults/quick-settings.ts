import { projects, readTokenOf, writeKeyOf } from './load.ts';

/** Settings that make many small batches and short waits. */
export const quickSettings = {
  SINK_BATCH_ROWS: '200',
  SINK_LINGER_MS: '300',
  WRITE_KEYS: projects.map((project) => `${project}=${writeKeyOf(project)}`).join(','),
  READ_TOKENS: projects.map((project) => `${project}=${readTokenOf(project)}`).join(','),
  SHUTDOWN_SECONDS: '20',
} as const;
