import { setTimeout as delay } from 'node:timers/promises';

import { Client } from '../support/client.js';
import { given } from '../support/given.js';
import { GrowingLog } from '../support/growing-log.js';
import { contiguousPerChallenge, handledOnce, sameSet, type Numbered } from '../support/invariants.js';
import { Operator } from '../support/operator.js';
import { OutboxWriter } from '../support/outbox-writers.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { logBreaches } from '../support/topic-log.js';
import { until } from '../support/until.js';

/** Each challenge's last sequence; a fifth of the case's 200. */
const LAST = 40;
const EVERY_MS = 25;

/** Dead letters that were put back in bulk came out in any order elsewhere: a customer's creation after its transactions. */
describe('dead letters of two challenges that trade on', () => {
  let ground: OwnGround;
  let system: System;
  let writer: OutboxWriter;
  let log: GrowingLog;

  beforeAll(async () => {
    ground = await openStack();
    system = await System.start(ground);
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
    log = await GrowingLog.open(ground.brokers, [ground.topics.events]);
  });
  afterAll(async () => {
    await log?.close();
    await writer?.close();
    await system?.stop();
    await ground?.close();
  });

  /** White space that JSON does not mind and the topic's size limit does. */
  const pad = ({ challenge_id, sequence }: Omit<Numbered, 'epoch'>) =>
    writer.query(
      `update outbox set payload = (payload::text || repeat(' ', 1100000))::json
       where aggregateid = $1 and sequence = $2 and aggregatetype = 'challenge-events'`,
      [challenge_id, sequence],
    );
  const unpad = () =>
    writer.query('update outbox set payload = rtrim(payload::text)::json where length(payload::text) > 1000000');

  it('come back whole and in order by one retry, also over a SIGKILL of the relay in the middle of it', async () => {
    const challenges = [await system.api.open(), await system.api.open()];
    const [x, y] = challenges.map(({ challenge_id }) => challenge_id) as [string, string];
    const clients = await Promise.all(
      challenges.map(
        async ({ user_id, challenge_id }) =>
          new Client({ url: system.gatewayUrl, token: await tokens.user(user_id), challengeId: challenge_id }),
      ),
    );
    await Promise.all(clients.map((client) => client.joined()));
    const swings = given.swings(LAST);
    const trade = async (challengeId: string, from: number, to: number): Promise<void> => {
      for (const realized_pnl of swings.slice(from, to)) {
        await system.api.post(challengeId, { realized_pnl });
        await delay(EVERY_MS);
      }
    };

    await system.service('relay').stop();
    await Promise.all([trade(x, 0, 5), trade(y, 0, 3)]);
    await pad({ challenge_id: x, sequence: 5 });
    await pad({ challenge_id: y, sequence: 3 });
    await system.start('relay');
    const operator = await Operator.at(() => system.service('relay'));
    await until(
      () => operator.deadLetters(),
      (letters) => letters.length === 2,
      { withinMs: 15_000 },
    );
    const trading = Promise.all([trade(x, 5, LAST), trade(y, 3, LAST)]);
    await until(
      () => clients.map(({ freshness }) => freshness.at(-1)),
      (last) => last.every((freshness) => freshness?.state === 'stale' && freshness.reason === 'parked'),
      { withinMs: 15_000, what: 'both pages know that events are held back' },
    );
    const came = (challengeId: string) =>
      log.numbered(ground.topics.events).flatMap((one) => (one.challenge_id === challengeId ? [one.sequence] : []));
    expect([came(x), came(y)]).toEqual([
      [1, 2, 3, 4],
      [1, 2],
    ]);

    await unpad();
    await operator.wish('retry');
    await system.killAndRespawn('relay');
    await trading;
    await Promise.all(clients.map((client) => client.reached(LAST, 30_000)));
    await until(
      () => clients.map(({ isLive }) => isLive),
      (live) => live.every(Boolean),
      { withinMs: 15_000, what: 'both pages are live again' },
    );
    for (const client of clients) client.close();

    expect(await operator.deadLetters()).toEqual([]);
    expect(await logBreaches(ground, ground.topics.events)).toEqual([]);
    const handled = clients.flatMap((client) => client.handled);
    const expected = [x, y].flatMap((challenge_id) =>
      swings.map((_, index) => ({ challenge_id, epoch: challenges[0]!.epoch, sequence: index + 1 })),
    );
    expect(sameSet(expected, handled)).toEqual([]);
    expect(handledOnce(handled)).toEqual([]);
    expect(contiguousPerChallenge(handled)).toEqual([]);
    const audit = await operator.list<{ who: string; why: string; challenge_id: string }>('/audit');
    expect(audit.map(({ who, why }) => [who, why])).toEqual([1, 2].map(() => ['anna', 'retry after the mending']));
    expect(audit.map(({ challenge_id }) => challenge_id).sort()).toEqual([x, y].sort());
  });
});
