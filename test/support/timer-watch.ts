/**
 * Loaded into a service before its own code: says once a second how many timers it has made since the last time, and how many of
 * them with a wait of less than nothing, which newer Node.js warns of.
 */
import { createHook } from 'node:async_hooks';

let made = 0;
let negative = 0;

createHook({
  init(_id, type) {
    if (type === 'Timeout') made += 1;
  },
}).enable();

const original = globalThis.setTimeout;
globalThis.setTimeout = Object.assign((...args: Parameters<typeof original>) => {
  if (Number(args[1]) < 0) negative += 1;
  return original(...args);
}, original);

setInterval(() => {
  console.log(JSON.stringify({ msg: 'timers', made, negative }));
  made = negative = 0;
}, 1_000).unref();
