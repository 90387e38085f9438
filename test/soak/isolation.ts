/**
 * Nobody else's data: a million events of a thousand challenges that change hands, to five hundred users who ask for everything.
 *
 *   npm run soak -- isolation [--users 500] [--rooms 1000] [--events 1000000] [--rate 5000] [--restarts 3] [--seed N] [--unowned]
 *
 * With --unowned against a copy of the gateway without its ownership checks: then something must leak.
 */
import { parseArgs } from 'node:util';

import { chanceOf } from '../support/outbox-writers.js';
import { groundOn, privateStack } from '../support/stack.js';
import { unownedGateway } from '../support/unowned-gateway.js';
import { progress, report, seedOf, unless } from './report.js';
import { isolation } from './scenario/isolation.js';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '500' },
    rooms: { type: 'string', default: '1000' },
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '5000' },
    restarts: { type: 'string', default: '3' },
    seed: { type: 'string' },
    unowned: { type: 'boolean', default: false },
  },
});
const users = Number(values.users);
const rooms = Number(values.rooms);
const events = Number(values.events);
const seed = seedOf(values.seed);

const stack = await privateStack();
const seen = await isolation(groundOn(stack), {
  users,
  rooms,
  events,
  eventsPerSecond: Number(values.rate),
  restarts: Number(values.restarts),
  chance: chanceOf(seed),
  tell: progress,
  ...(values.unowned ? { entry: unownedGateway() } : {}),
}).finally(() => stack.stop());
const { published, delivered, ownerChanges, revocations, joins, joinsRefused, refreshesRefused, restarts, leaked } =
  seen;

report({
  soak: 'isolation',
  how: `${users} users, ${rooms} challenges, ${values.rate} events/s${values.unowned ? ', WITHOUT ownership checks' : ''}`,
  rows: [
    ['events published', published],
    ['messages that name a user', delivered],
    ['changes of owner', ownerChanges],
    ['revocations', revocations],
    ['joins asked for', joins],
    ['joins refused', joinsRefused],
    ['refreshes refused', refreshesRefused],
    ['gateways killed', restarts],
    ['LEAKED', leaked],
  ],
  figures: {
    seed,
    published,
    delivered,
    ownerChanges,
    revocations,
    joins,
    joinsRefused,
    refreshesRefused,
    restarts,
    leaked,
  },
  faults: [
    ...(values.unowned
      ? unless(leaked > 0, 'nothing leaked without ownership checks: this soak sees nothing')
      : seen.leaks),
    ...unless(delivered > published / 20, `only ${delivered} messages were delivered`),
    ...unless(joinsRefused > 0 && refreshesRefused > 0, 'nothing was refused'),
  ],
});
