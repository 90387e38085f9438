/**
 * A storm: 5,000 clients lose their connections in one moment and all come back in the next. The gateway lets in 500 a second,
 * tells the others when to come, and afterwards has the memory that it had before.
 *
 *   npm run soak -- storm [--clients 5000] [--per-second 500]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { memoryOf, MEMORY_PRELOAD } from '../bench/idle/memory.js';
import { percentile, round } from '../bench/figures.js';
import { History } from '../support/facts.js';
import { Feed } from '../support/feed.js';
import { LightClient } from '../support/light-client.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';
import { progress, report, unless } from './report.js';
import { faultsOf, storm } from './scenario/storm.js';

const MIB = 1024 * 1024;
/** What resident memory may keep of a storm: pages that the heap gives back late. */
const KEPT_MIB = 16;
const PUBLISHED_AT_ONCE = 500;

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '5000' }, 'per-second': { type: 'string', default: '500' } },
});
const count = Number(values.clients);
const perSecond = Number(values['per-second']);
const options = { perSecond, withinMs: (count / perSecond) * 4_000 + 30_000 };

async function run() {
  const stack = await privateStack();
  const ground = groundOn(stack);
  const feed = new Feed(ground);
  const system = await System.start(ground, {
    services: ['gateway'],
    env: { gateway: { ADMISSION_PER_S: String(perSecond), MAX_CONNECTIONS_PER_ADDRESS: '0' } },
    preload: { gateway: MEMORY_PRELOAD },
  });
  const clients: LightClient[] = [];
  try {
    const service = system.service('gateway');
    const histories = Array.from({ length: count }, () => new History());
    for (let from = 0; from < count; from += PUBLISHED_AT_ONCE)
      await feed.publish(...histories.slice(from, from + PUBLISHED_AT_ONCE).map((history) => history.state()));
    feed.startWatermarks();
    for (const [index, { userId, challengeId, cursor }] of histories.entries()) {
      const localAddress = `127.0.0.${2 + (index % 8)}`;
      const token = await tokens.user(userId);
      clients.push(new LightClient({ url: system.gatewayUrl, token, challengeId, cursor, localAddress }));
    }
    const dropAll = async () => {
      for (const client of clients) client.drop();
      await until(
        () => service.metric('tradesense_gateway_connections'),
        (connections) => connections === 0,
        { withinMs: 30_000, what: 'nobody is connected' },
      );
      await delay(2_000);
      return memoryOf(service);
    };
    progress(`${count} clients come in for the first time`);
    await storm(clients, options);
    const before = await dropAll();
    progress('they were all cut off, and come back');
    const seen = await storm(clients, options);
    const after = await dropAll();
    return { seen, before, after };
  } finally {
    for (const client of clients) client.drop();
    await feed.close();
    await system.stop();
    await stack.stop();
  }
}

const { seen, before, after } = await run();
const keptMib = (after.rss - before.rss) / MIB;
const keptHeapMib = (after.heap - before.heap) / MIB;
const lastMs = seen.joinedMs.at(-1) ?? NaN;
report({
  soak: 'storm',
  how: `${count} clients come back at once, ${perSecond} a second are let in; limit of an address: off`,
  rows: [
    ['last one in after, ms', round(lastMs, 0)],
    ['at this rate due after, ms', round((count / perSecond) * 1_000, 0)],
    ['half of them in after, ms', round(percentile(seen.joinedMs, 0.5), 0)],
    ['attempts refused', seen.refused],
    ['most attempts of one client', Math.max(...seen.attempts)],
    ['longest hint, ms', seen.longestHintMs],
    ['resident memory before, MiB', round(before.rss / MIB)],
    ['kept, MiB', round(keptMib)],
    ['kept on the heap, MiB', round(keptHeapMib)],
  ],
  figures: {
    clients: count,
    last_ms: round(lastMs, 0),
    refused: seen.refused,
    most_attempts: Math.max(...seen.attempts),
    kept_mib: round(keptMib),
    kept_heap_mib: round(keptHeapMib),
  },
  faults: [
    ...faultsOf(seen, options),
    ...unless(keptMib <= KEPT_MIB, `${round(keptMib)} MiB were kept`),
    ...unless(keptHeapMib <= KEPT_MIB / 4, `${round(keptHeapMib)} MiB of the heap were kept`),
  ],
});
