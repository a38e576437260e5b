import { createImportCommand } from '../../src/commands/import.ts';

/** The command alone, as a process that a test can kill. */
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await createImportCommand({
  signal: stop.signal,
  onExitCode: (code) => {
    process.exitCode = code;
  },
  openEmbeddedSend: () => Promise.reject(new Error('no embedded store here')),
}).parseAsync(process.argv);
