import type { ServiceProcess } from '../../support/processes.js';
import { until } from '../../support/until.js';

export const MEMORY_PRELOAD = 'test/dist/bench/idle/memory-preload.js';

export interface Memory {
  readonly rss: number;
  readonly heap: number;
}

const SAMPLES = 5;

/** What a process that runs the preload holds once its garbage is collected: the least of some samples. */
export async function memoryOf(service: ServiceProcess): Promise<Memory> {
  const samples: Memory[] = [];
  while (samples.length < SAMPLES) {
    const before = service.logged('memory').length;
    process.kill(service.pid, 'SIGUSR2');
    const lines = await until(
      () => service.logged('memory'),
      ({ length }) => length > before,
      { withinMs: 30_000, everyMs: 250, what: `${service.name} tells what memory it has` },
    );
    samples.push(lines.at(-1) as unknown as Memory);
  }
  return { rss: Math.min(...samples.map(({ rss }) => rss)), heap: Math.min(...samples.map(({ heap }) => heap)) };
}
