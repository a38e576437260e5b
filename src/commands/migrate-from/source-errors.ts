import { TallygateError, toMessage } from '../../errors.ts';

/** SQLSTATE or errno of what the driver throws. */
function codeOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}

/** Connection exceptions, a server that starts or stops, too many clients, a statement cancelled by a standby's replay. */
const passing = /^(?:08...|57P0[1-5]|53300|40001|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;
const brokenOff = /^(?:Connection terminated|Client has encountered a connection error|timeout expired)/;

/** One sentence that says what was expected and what came. `doing`: "to read public.events". */
export function toSourceError(thrown: unknown, shown: string, doing: string): TallygateError {
  if (thrown instanceof TallygateError) return thrown;
  const code = codeOf(thrown);
  const said = toMessage(thrown) || code;
  const of = (text: string) => new TallygateError('INVALID_INPUT', `${shown}: ${text}: ${said}`, { cause: thrown });
  if (code === '28P01' || code === '28000' || /SASL|password must be a string/.test(said)) {
    return of('expected a user that is let in, with its password in the address, PGPASSWORD or ~/.pgpass');
  }
  if (code === '3D000') return of('expected a database that is there');
  if (code === 'ENOTFOUND') return of('expected a host that is known');
  if (code === '42501') return of(`expected a user that has the right ${doing} (GRANT SELECT)`);
  if (code === '42P01' || code === '3F000') return of('expected a table that is there');
  if (code === '42703') return of('expected columns that are there');
  if (code === '57014') {
    return of(
      `expected an answer within the time for a statement ${doing}; raise --statement-timeout, or order by an indexed --key`,
    );
  }
  // Syntax, types, wrong values in a cast: what is left comes from --where.
  if (/^(?:42|22)/.test(code)) return of(`expected SQL that can be run ${doing}, check --where`);
  if (passing.test(code) || brokenOff.test(said)) {
    return new TallygateError('SOURCE_UNAVAILABLE', `no answer from ${shown}: ${said}`, { cause: thrown });
  }
  return new TallygateError('SOURCE_UNAVAILABLE', `${shown}: failed ${doing}: ${said}`, {
    cause: thrown,
    details: { final: true },
  });
}

/** Whether the same may work a moment later. */
export function isPassing(error: TallygateError): boolean {
  return error.code === 'SOURCE_UNAVAILABLE' && error.details.final !== true;
}
