import { ClickHouseError } from '@clickhouse/client';
import { TallygateError, toMessage } from '../../errors.ts';

/** Numbers are ClickHouse's own: https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp */
const tooExpensive: Readonly<Record<string, string>> = {
  159: 'time',
  160: 'time',
  158: 'rows to read',
  241: 'memory',
  307: 'bytes to read',
  396: 'rows of the answer',
};

/** The data itself is refused: sending it again changes nothing. */
const badRows = new Set(
  [6, 25, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 190, 321, 349, 361, 441, 467, 691].map(String),
);

const cancelled = new Set(['394', '734']);
const notMigrated = new Set(['60', '81']);
const badPattern = '427';
const refused = new Set(['192', '193', '194', '497', '516']);

export function toQueryFailure(thrown: unknown, label: string, signal: AbortSignal | undefined): TallygateError {
  if (thrown instanceof TallygateError) return thrown;
  if (signal?.aborted) return new TallygateError('CANCELLED', `statement ${label} was cancelled`, { cause: thrown });
  const code = toCode(thrown);
  if (code !== null) {
    const limit = tooExpensive[code];
    if (limit) {
      const figure = firstLine(toMessage(thrown));
      return new TallygateError(
        'QUERY_TOO_EXPENSIVE',
        `the report hit the limit of ${limit}: ${figure}; ask for a shorter range, a coarser interval, fewer breakdown values or a narrower filter`,
        { cause: thrown, details: { limit } },
      );
    }
    if (cancelled.has(code))
      return new TallygateError('CANCELLED', `statement ${label} was cancelled`, { cause: thrown });
    if (code === badPattern)
      return new TallygateError(
        'INVALID_FILTER',
        `expected an RE2 regular expression for MATCHES: ${firstLine(toMessage(thrown))}`,
        { cause: thrown },
      );
    if (!isUnavailable(code))
      return new TallygateError('INTERNAL', `statement ${label} failed: ${firstLine(toMessage(thrown))}`, {
        cause: thrown,
      });
  }
  return toUnavailable(thrown, code);
}

export function toInsertFailure(thrown: unknown, table: string): TallygateError {
  if (thrown instanceof TallygateError) return thrown;
  const code = toCode(thrown);
  if (code !== null && badRows.has(code))
    return new TallygateError('BAD_ROWS', `${table}: ${firstLine(toMessage(thrown))}`, { cause: thrown });
  return toUnavailable(thrown, code);
}

function toUnavailable(thrown: unknown, code: string | null): TallygateError {
  let why = 'ClickHouse does not answer';
  if (code !== null && notMigrated.has(code)) why = 'the tables are not there yet: run "tallygate migrate"';
  else if (code !== null && refused.has(code)) why = 'ClickHouse refuses the user or the password';
  else if (code !== null) why = `ClickHouse answers code ${code}`;
  return new TallygateError('WAREHOUSE_UNAVAILABLE', `reports are not available now: ${why}`, {
    cause: thrown,
    retryAfterMs: 1000,
  });
}

/** Statements that fail for reasons of the server, not of their text. */
function isUnavailable(code: string): boolean {
  const server = [
    '3',
    '60',
    '81',
    '198',
    '202',
    '203',
    '209',
    '210',
    '236',
    '242',
    '252',
    '279',
    '319',
    '425',
    '439',
    '999',
    '1000',
    '1002',
  ];
  return server.includes(code) || refused.has(code);
}

function toCode(thrown: unknown): string | null {
  if (thrown instanceof ClickHouseError) return String(thrown.code);
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^\d+$/.test(code) ? code : null;
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] as string;
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}
