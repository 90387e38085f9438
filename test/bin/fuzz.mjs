/** `npm run fuzz -- NAME [--option value …]`: generated requests by the thousand; the programs are test/fuzz/NAME.ts. */
import { runNamed } from './named.mjs';

await runNamed('fuzz', { longestMs: 4 * 3_600_000 });
