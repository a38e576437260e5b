import { readFileSync } from 'node:fs';

// Loaded into a process under test with --import: its wall clock is off by the milliseconds that stand in the file
// FAULT_CLOCK_FILE, as they are now. Timers run on, as they do when a real clock is set.

const file = process.env.FAULT_CLOCK_FILE as string;
let shift = 0;
setInterval(() => {
  try {
    shift = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    shift = 0;
  }
}, 100).unref();

const RealDate = Date;
const realNow = Date.now;

class ShiftedDate extends RealDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(realNow() + shift);
    else super(...(args as [number]));
  }
}
ShiftedDate.now = () => realNow() + shift;
globalThis.Date = ShiftedDate as DateConstructor;
