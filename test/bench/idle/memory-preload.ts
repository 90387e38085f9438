/** Run before a service: at SIGUSR2 it collects its garbage, as far as there is any, and logs what is left. */
import { Session } from 'node:inspector';

const ROUNDS = 3;

const session = new Session();
session.connect();

function collect(rounds: number): void {
  session.post('HeapProfiler.collectGarbage', () => {
    if (rounds > 1) return void setImmediate(() => collect(rounds - 1));
    const { rss, heapUsed } = process.memoryUsage();
    process.stdout.write(`${JSON.stringify({ msg: 'memory', rss, heap: heapUsed })}\n`);
  });
}
process.on('SIGUSR2', () => collect(ROUNDS));
