import { setTimeout as delay } from 'node:timers/promises';

import { Client } from '../support/client.js';
import { given } from '../support/given.js';
import { contiguousPerChallenge, handledOnce, sameSet, type Numbered } from '../support/invariants.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System, type ServiceName } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { logBreaches } from '../support/topic-log.js';

/** Enough to be in mid-stream while a service is killed, comes back and catches up. */
const TRADES = 120;
const EVERY_MS = 25;
const KILLED_AFTER = 30;
/** A lease of 2 s, a restart on a busy machine, the clients' back-off. */
const ARRIVED_WITHIN_MS = 30_000;
/** No trade may wait for a service that is away; a busy machine may take this long without any. */
const ANSWERED_WITHIN_MS = 3_000;

describe('while trades are posted', () => {
  let ground: OwnGround;
  let system: System;

  beforeAll(async () => {
    ground = await openStack();
    system = await System.start(ground);
  });
  afterAll(async () => {
    await system?.stop();
    await ground?.close();
  });

  /** Posts trades to all challenges in turn; `meanwhile` starts in mid-stream. */
  async function trade(challengeIds: readonly string[], meanwhile: () => Promise<void>) {
    const accepted: Numbered[] = [];
    let slowestMs = 0;
    let disturbance: Promise<void> = Promise.resolve();
    for (const [turn, realized_pnl] of given.swings(TRADES).entries()) {
      const challengeId = challengeIds[turn % challengeIds.length] as string;
      if (turn === KILLED_AFTER) disturbance = meanwhile();
      const sentMs = performance.now();
      const { challenge, events } = await system.api.post(challengeId, { realized_pnl });
      slowestMs = Math.max(slowestMs, performance.now() - sentMs);
      for (const { sequence } of events) accepted.push({ challenge_id: challengeId, epoch: challenge.epoch, sequence });
      await delay(EVERY_MS);
    }
    await disturbance;
    return { accepted, slowestMs };
  }

  const KILLED: readonly (readonly [string, readonly ServiceName[]])[] = [
    ['the gateway', ['gateway']],
    ['the relay', ['relay']],
    ['relay and gateway', ['relay', 'gateway']],
  ];
  it.each(KILLED)(
    'SIGKILL of %s loses nothing: clients end with every sequence, each handled once, none bridged',
    async (_, services) => {
      const challenges = await Promise.all(Array.from({ length: 3 }, () => system.api.open()));
      const clients = await Promise.all(
        challenges.map(
          async ({ user_id, challenge_id }) =>
            new Client({ url: system.gatewayUrl, token: await tokens.user(user_id), challengeId: challenge_id }),
        ),
      );
      await Promise.all(clients.map((client) => client.joined()));

      const ids = challenges.map(({ challenge_id }) => challenge_id);
      const { accepted, slowestMs } = await trade(ids, () => system.killAndRespawn(...services));
      const last = TRADES / challenges.length;
      await Promise.all(clients.map((client) => client.reached(last, ARRIVED_WITHIN_MS)));
      for (const client of clients) client.close();

      const handled = clients.flatMap((client) => client.handled);
      expect(sameSet(accepted, handled)).toEqual([]);
      expect(handledOnce(handled)).toEqual([]);
      expect(contiguousPerChallenge(handled)).toEqual([]);
      expect(clients.map(({ bridged }) => bridged)).toEqual([0, 0, 0]);
      for (const { joins } of clients) expect(joins.slice(1).map(({ recovered }) => recovered)).not.toContain(false);
      if (services.includes('gateway')) for (const { joins } of clients) expect(joins.length).toBeGreaterThan(1);
      expect(slowestMs).toBeLessThan(ANSWERED_WITHIN_MS);
    },
  );

  it('Kafka holds what the outbox holds after all of this, byte for byte and in sequence', async () => {
    expect(await logBreaches(ground, ground.topics.events)).toEqual([]);
  });
});
