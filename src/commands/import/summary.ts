import type { ImportEnd } from './run-import.ts';
import type { Reject, Tally } from './tally.ts';
import { type MappedEvent, toEventInput } from './to-event.ts';

export const exitCodes = { accepted: 0, failed: 1, rejected: 3 } as const;

export function toExitCode({ end }: ImportEnd, { totals }: Tally): number {
  if (end !== 'finished') return exitCodes.failed;
  return totals.rejected + totals.deadLettered > 0 ? exitCodes.rejected : exitCodes.accepted;
}

export function toSummary(end: ImportEnd, tally: Tally, elapsedMs: number, survey: Survey | undefined): string {
  const { totals } = tally;
  const count = (n: number) => n.toLocaleString('en-US');
  const seconds = Math.max(elapsedMs, 1) / 1000;
  const lines = [
    `${count(totals.rows)} rows in ${seconds.toFixed(1)} s (${count(Math.round(totals.rows / seconds))}/s)`,
  ];
  if (survey) lines.push(...survey.lines());
  else lines.push(`accepted      ${count(totals.accepted)}`);
  lines.push(`rejected      ${count(totals.rejected)}`);
  if (totals.deadLettered > 0) lines.push(`dead letters  ${count(totals.deadLettered)}`);
  for (const { code, count: rows, first } of tally.byCode()) {
    lines.push(`  ${code}: ${count(rows)}`, ...first.map((reject) => `    ${toPlace(reject)}`));
    if (rows > first.length) lines.push('    ...');
  }
  if (end.end === 'stopped') lines.push('stopped before the end');
  if (end.end !== 'finished' && !survey) {
    lines.push('Run the same command again to go on: what has been accepted already counts once.');
  }
  return `${lines.join('\n')}\n`;
}

function toPlace({ file, line, path, message }: Reject): string {
  return `${file}${line === undefined ? '' : `:${line}`} ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`;
}

/** What a dry run shows: names, times, and the first events as they would be sent. */
export function createSurvey() {
  const names = new Map<string, number>();
  const samples: string[] = [];
  let events = 0;
  let first = '';
  let last = '';
  return {
    onEvent(event: MappedEvent): void {
      const { kind, fields } = event;
      events++;
      const name = kind === 'track' ? String(fields.event) : `(${kind})`;
      // A wrong mapping can make every row a name of its own.
      if (names.has(name) || names.size < 1000) names.set(name, (names.get(name) ?? 0) + 1);
      if (first === '' || fields.timestamp < first) first = fields.timestamp;
      if (fields.timestamp > last) last = fields.timestamp;
      if (samples.length < 3) samples.push(JSON.stringify(toEventInput(event)));
    },
    lines(): string[] {
      const top = [...names].sort((a, b) => b[1] - a[1]);
      const shown = top.slice(0, 20).map(([name, count]) => `  ${count.toLocaleString('en-US').padStart(12)} ${name}`);
      return [
        `would send    ${events.toLocaleString('en-US')}${events > 0 ? `, from ${first} to ${last}` : ''}`,
        ...shown,
        ...(top.length > shown.length ? [`  and ${top.length - shown.length} other names`] : []),
        ...samples,
      ];
    },
  };
}

export type Survey = ReturnType<typeof createSurvey>;
