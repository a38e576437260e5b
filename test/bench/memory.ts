import { readFileSync } from 'node:fs';
import { type Table, toNumber, type Verdict } from './report.ts';
import { readMetric } from './service.ts';

/** Of one process at one moment, in bytes. */
export interface Memory {
  /** What belongs to the process alone: heap, engine, stacks. Only its end gives it back. */
  readonly own: number;
  /** Part of `own`: the window of repeats, which grows with the ids of a day up to DEDUP_MEMORY_MB. */
  readonly window: number;
  /** Pages of files that it has mapped, the embedded log's above all: the system takes them back when it needs room. */
  readonly mapped: number;
}

/** Samples of a process, at equal distances. */
export type Samples = readonly Memory[];

export async function readMemory({ pid, url }: { readonly pid: number; readonly url: string }): Promise<Memory> {
  const window = await readMetric(url, 'tallygate_dedup_bytes');
  return { ...readResident(pid), window };
}

/** From what Linux says of a process. */
export function readResident(pid: number): Omit<Memory, 'window'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`expected ${name} in /proc/${pid}/status, got ${status}`);
    return Number(kilobytes) * 1024;
  };
  return { own: read('RssAnon') + read('RssShmem'), mapped: read('RssFile') };
}

/** In a shorter run the heaps are still filling in the second quarter: it says nothing of whether memory is flat, in seconds. */
export const leastSoak = 600;
/** Growth that is still flat: collectors and merges come and go. */
const mostGrowth = 1.1;

/** Median of each quarter of the time, in MiB. */
function toQuarters(samples: Samples, of: (memory: Memory) => number): number[] {
  return [0, 1, 2, 3].map((quarter) => {
    const some = samples.slice(
      Math.floor((quarter * samples.length) / 4),
      Math.floor(((quarter + 1) * samples.length) / 4),
    );
    const sorted = some.map(of).sort((a, b) => a - b);
    return (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) / 1024 / 1024;
  });
}

const parts = [
  ['its own, without the window of repeats', ({ own, window }: Memory) => own - window],
  ['window of repeats', ({ window }: Memory) => window],
  ['pages of mapped files', ({ mapped }: Memory) => mapped],
] as const;

export function toMemoryTable(processes: Readonly<Record<string, Samples>>): Table {
  return {
    head: ['MiB, median of a quarter of the time', '1st', '2nd', '3rd', '4th', '4th to 2nd'],
    rows: Object.entries(processes).flatMap(([name, samples]) =>
      parts.map(([part, of]) => {
        const quarters = toQuarters(samples, of);
        return [`${name}: ${part}`, ...quarters.map(toNumber), toNumber(quarters[3]! / quarters[1]!)];
      }),
    ),
  };
}

export function judgeMemory(name: string, samples: Samples): Verdict {
  const [, second = Number.NaN, , last = Number.NaN] = toQuarters(samples, parts[0][1]);
  const ratio = last / second;
  return {
    pass: ratio < mostGrowth,
    text: `${name}: its own memory, without the window of repeats, in the last quarter is ${toNumber(ratio)} of that in the second, target less than ${mostGrowth}`,
    mustHold: false,
  };
}
