/** Run before a server: at SIGUSR2 it logs the event loop's delay since the last time, 99th percentile in milliseconds. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
process.on('SIGUSR2', () => {
  // The interval between looks is part of what is recorded.
  const p99Ms = Math.max(0, delays.percentile(99) / 1e6 - RESOLUTION_MS);
  delays.reset();
  process.stdout.write(`${JSON.stringify({ msg: 'loop delay', p99_ms: p99Ms })}\n`);
});
