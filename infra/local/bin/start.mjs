/** `npm start`: the whole product on this machine, with a trader who trades. */
import { main } from './run.mjs';

await main('runDemo');
