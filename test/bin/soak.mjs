/** `npm run soak -- NAME [--option value …]`: tests that take minutes or hours, at full size; the programs are test/soak/NAME.ts. */
import { runNamed } from './named.mjs';

await runNamed('soak', { longestMs: 24 * 3_600_000 });
