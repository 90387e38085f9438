/** Clients that come into their room, go, and come back at once, in a process of their own. */
import { LightClient } from '../../support/light-client.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { serve } from '../child.js';
import type { Returned, ReturningAsk, Seat } from './messages.js';

let clients: readonly LightClient[] = [];
let joined = 0;
let processor = process.cpuUsage();
let beganMs = 0;

/** Resolves when they come and go: at first all of them come at once. */
async function start(url: string, seats: readonly Seat[]): Promise<void> {
  const signed = await Promise.all(seats.map(({ userId }) => tokens.user(userId)));
  joined = 0;
  clients = seats.map(
    ({ challengeId }, index) =>
      new LightClient({
        url,
        token: signed[index] ?? '',
        challengeId,
        joined: (client) => {
          joined += 1;
          client.drop();
          client.connect();
        },
      }),
  );
  for (const client of clients) client.connect();
  await until(
    () => joined,
    (count) => count >= seats.length,
    { withinMs: 60_000, everyMs: 50, what: 'clients come and go' },
  );
  [joined, processor, beganMs] = [0, process.cpuUsage(), performance.now()];
}

function stop(): Returned {
  for (const client of clients) client.drop();
  const seconds = (performance.now() - beganMs) / 1_000;
  const { user, system } = process.cpuUsage(processor);
  return { joinsPerS: joined / seconds, processorShare: (user + system) / 1e6 / seconds };
}

serve<ReturningAsk>((ask) => (ask.act === 'start' ? start(ask.url, ask.seats) : Promise.resolve(stop())));
