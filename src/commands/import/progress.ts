import { SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number, rows: number): void;
  /** A line of its own, above the bar. */
  note(text: string): void;
  stop(): void;
}

export interface Work {
  /** In bytes, or whatever tells best how much is left; undefined when nobody knows. */
  readonly total: number | undefined;
  /** What is counted beside it: rows, events. */
  readonly unit: string;
}

export function toProgressLine({ total, unit }: Work, done: number, rows: number, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? (rows * 1000) / elapsedMs : 0;
  const parts = [`${rows.toLocaleString('en-US')} ${unit}`, `${Math.round(rate).toLocaleString('en-US')}/s`];
  if (total !== undefined && total > 0) {
    parts.unshift(`${Math.floor((Math.min(done, total) * 100) / total)}%`);
    if (done > 0) parts.push(`${toDuration((elapsedMs * Math.max(0, total - done)) / done)} left`);
  }
  return parts.join(', ');
}

export function toDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** A bar on a terminal; elsewhere a line every few seconds, so that a log stays readable. */
export function createProgress(stream: ProgressStream, work: Work, everyMs = 5000): Progress {
  const { total } = work;
  const began = Date.now();
  let done = 0;
  let rows = 0;
  const line = () => toProgressLine(work, done, rows, Date.now() - began);
  if (!stream.isTTY) {
    const timer = setInterval(() => stream.write(`${line()}\n`), everyMs);
    timer.unref();
    return {
      update(nowDone, nowRows) {
        done = nowDone;
        rows = nowRows;
      },
      note: (text) => stream.write(`${text}\n`),
      stop: () => clearInterval(timer),
    };
  }
  const bar = new SingleBar({
    stream,
    format: total === undefined ? '{line}' : '{bar} {line}',
    barsize: 30,
    fps: 5,
    hideCursor: true,
    // A handler of its own would take the place of ours, which finishes what is in flight.
    gracefulExit: false,
    clearOnComplete: true,
  });
  bar.start(total ?? 1, 0, { line: line() });
  return {
    update(nowDone, nowRows) {
      done = nowDone;
      rows = nowRows;
      bar.update(Math.min(done, total ?? 0), { line: line() });
    },
    note: (text) => stream.write(`\r\u001b[K${text}\n`),
    stop: () => bar.stop(),
  };
}
