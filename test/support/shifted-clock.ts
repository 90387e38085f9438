/**
 * Run before a service (Launch.preload): its wall clock is off, and steps while it runs, as if somebody set the machine's. The
 * monotonic clock and timers go on, as they do then. CLOCK_STEPS lists the steps: `0:600000,2500:-600000` is ten minutes ahead at
 * once and ten minutes behind 2.5 s after the start.
 */
import { performance } from 'node:perf_hooks';

const steps = (process.env['CLOCK_STEPS'] ?? '').split(',').map((step) => {
  const [afterMs, offsetMs] = step.split(':').map(Number);
  if (afterMs === undefined || offsetMs === undefined || Number.isNaN(afterMs + offsetMs))
    throw new Error(`CLOCK_STEPS: ${step} is not <after>:<offset> in milliseconds`);
  return { afterMs, offsetMs };
});

const RealDate = Date;
const started = performance.now();
const offsetMs = (): number => {
  const sinceMs = performance.now() - started;
  return steps.findLast(({ afterMs }) => afterMs <= sinceMs)?.offsetMs ?? 0;
};

class ShiftedDate extends RealDate {
  constructor(...parts: readonly []) {
    // Every form but the one without arguments is a moment somebody names.
    if (parts.length === 0) super(ShiftedDate.now());
    else super(...parts);
  }
  static override now(): number {
    return RealDate.now() + offsetMs();
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
