/** `npm run bench -- NAME [--option value …]`: measures; the programs are test/bench/NAME.ts. */
import { runNamed } from './named.mjs';

await runNamed('bench', { longestMs: 3_600_000 });
