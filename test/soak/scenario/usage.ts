import type { ServiceProcess } from '../../support/processes.js';

/** What a process says of itself at one moment. */
export interface Usage {
  readonly atMs: number;
  readonly rssMb: number;
  /** Processor time since its start. */
  readonly cpuS: number;
  /** Of the event loop's delays since it was asked before. */
  readonly loopP99Ms: number;
  readonly text: string;
}

export async function usageOf(process: ServiceProcess): Promise<Usage> {
  const text = await process.metrics();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    atMs: performance.now(),
    rssMb: value('process_resident_memory_bytes') / 2 ** 20,
    cpuS: value('process_cpu_seconds_total'),
    loopP99Ms: value('nodejs_eventloop_lag_p99_seconds') * 1_000,
    text,
  };
}

/** Share of one core between two moments. */
export const coreShare = (from: Usage, to: Usage): number => (to.cpuS - from.cpuS) / ((to.atMs - from.atMs) / 1_000);
