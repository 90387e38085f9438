/** The clients of `-- connections`, in a process of their own. */
import { LightClient } from '../../support/light-client.js';
import { tokens } from '../../support/tokens.js';
import { serve } from '../child.js';
import type { Ask } from './crowd.js';

/** So many addresses of this machine are come from. */
const ADDRESSES = 8;

let clients: LightClient[] = [];

async function open({ url, users, atOnce }: Extract<Ask, { act: 'open' }>): Promise<number> {
  const made: LightClient[] = [];
  let joined = 0;
  let next = 0;
  const signed = await Promise.all(users.map(async (user) => ({ ...user, token: await tokens.user(user.userId) })));
  const beganMs = performance.now();
  await new Promise<void>((resolve) => {
    const one = (): void => {
      const user = signed[next];
      if (user === undefined) return;
      const localAddress = `127.0.0.${2 + (next % ADDRESSES)}`;
      next += 1;
      const client = new LightClient({
        url,
        token: user.token,
        challengeId: user.challengeId,
        localAddress,
        joined: () => {
          joined += 1;
          if (joined === signed.length) resolve();
          else one();
        },
      });
      made.push(client);
      client.connect();
    };
    for (let count = 0; count < atOnce; count += 1) one();
  });
  const tookMs = performance.now() - beganMs;
  clients = [...clients, ...made];
  const again = made.filter(({ attempts }) => attempts > 1).length;
  if (again > 0) throw new Error(`${again} clients had to come twice`);
  return tookMs;
}

function leave(): void {
  for (const client of clients) client.drop();
  clients = [];
}

serve<Ask>(async (ask) => {
  if (ask.act === 'open') return open(ask);
  if (ask.act === 'leave') return leave();
  return clients.filter(({ isJoined }) => isJoined).length;
});
