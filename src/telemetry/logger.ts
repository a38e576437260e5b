import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

/** Of 100 ms each, while the reader of our lines is slow. */
const mostRetries = 20;

export type Logger = PinoLogger;

/** Whatever is named like a secret never reaches a line, at two levels of depth. */
const redacted = ['authorization', 'password', 'secret', 'token', 'key'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redacted, censor: '[redacted]' },
  };
  return pino(options, destination ?? openStderr());
}

/** Lines are lost rather than the service when nobody reads them any more: neither a closed nor a full pipe holds it up. */
function openStderr(): DestinationStream {
  let full = 0;
  const stderr = pino.destination({ dest: 2, sync: false, retryEAGAIN: () => ++full < mostRetries });
  stderr.on('error', () => {});
  stderr.on('drain', () => {
    full = 0;
  });
  return stderr;
}

export function createSilentLogger(): Logger {
  return pino({ level: 'silent' });
}
