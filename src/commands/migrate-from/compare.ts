import { type Counts, dayMs } from './counts.ts';

export interface Difference {
  readonly day: number | null;
  readonly event: string | null;
  readonly table: number;
  readonly rejected: number;
  readonly tallygate: number;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Events that both sides should have. */
  readonly expected: number;
  readonly days: number;
  /** Milliseconds since 1970; what happened later was not compared. */
  readonly before: number;
}

/** What both sides say of each day and event name. Rows that were rejected are not missed. */
export function compare(table: Counts, rejected: Counts, tallygate: Counts, before: number): Comparison {
  const differences: Difference[] = [];
  const days = new Set<number | null>();
  let expected = 0;
  const look = (day: number | null, event: string | null) => {
    const counts = {
      table: table.get(day, event),
      rejected: rejected.get(day, event),
      tallygate: tallygate.get(day, event),
    };
    expected += counts.table - counts.rejected;
    if (counts.table > counts.rejected) days.add(day);
    if (counts.table - counts.rejected !== counts.tallygate) differences.push({ day, event, ...counts });
  };
  for (const { day, event } of table.entries()) look(day, event);
  for (const { day, event } of tallygate.entries()) if (table.get(day, event) === 0) look(day, event);
  differences.sort((a, b) => (a.day ?? -1e9) - (b.day ?? -1e9) || ((a.event ?? '') < (b.event ?? '') ? -1 : 1));
  return { differences, expected, days: days.size, before };
}

const mostLines = 100;
const count = (n: number) => n.toLocaleString('en-US');

export function toComparisonLines({ differences, expected, days, before }: Comparison): string[] {
  const until = new Date(before).toISOString();
  const compared = `${count(expected)} events of ${count(days)} days, until ${until}`;
  if (differences.length === 0) return [`compared      ${compared}: equal by day and event name`];
  return [
    `compared      ${compared}: ${count(differences.length)} of the counts differ`,
    ...differences.slice(0, mostLines).map(toLine),
    ...(differences.length > mostLines ? [`  and ${count(differences.length - mostLines)} more`] : []),
  ];
}

function toLine({ day, event, table, rejected, tallygate }: Difference): string {
  const when = day === null ? 'without a time' : new Date(day * dayMs).toISOString().slice(0, 10);
  const by = tallygate - (table - rejected);
  const sides = `${count(table)} in the table${rejected > 0 ? ` (${count(rejected)} rejected)` : ''}, ${count(tallygate)} in Tallygate`;
  const verdict =
    by < 0
      ? `${count(-by)} missing`
      : `${count(by)} more (deleted or changed in the table since, or tracked without it)`;
  return `  ${when}  ${event ?? '(no name)'}: ${sides}: ${verdict}`;
}
