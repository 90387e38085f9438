import type { ChallengeState } from '@tradesense/contracts';

import { Client } from '../support/client.js';
import { given } from '../support/given.js';
import { RawSocket } from '../support/raw-socket.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';

const MEGABYTE = 1024 * 1024;

describe('a hostile socket is answered or ended; the gateway lives and others notice nothing', () => {
  let ground: OwnGround;
  let system: System;
  let challenge: ChallengeState;

  beforeAll(async () => {
    ground = await openStack();
    system = await System.start(ground);
    challenge = await system.api.open();
  });
  afterAll(async () => {
    await system?.stop();
    await ground?.close();
  });

  const join = (more = '') => `42["join_challenge"${more}]`;
  const CASES: readonly (readonly [string, readonly (string | Buffer)[]])[] = [
    ['a null payload', [join(',null')]],
    ['no payload', [join()]],
    ['an array for a payload', [join(',[]')]],
    ['a number for a challenge', [join(',{"challenge_id":7}')]],
    ['a cursor that is text', [join(',{"challenge_id":"00000000-0000-4000-8000-000000000000","cursor":"x"}')]],
    ['an unknown event', ['42["drop_tables",{}]']],
    ['an event called like a method', ['42["constructor",{}]']],
    ['a message of 1 MB', [join(`,"${'x'.repeat(MEGABYTE)}"`)]],
    ['binary', ['451-["join_challenge",{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3])]],
    ['an acknowledgement that is no function', [join(',{"challenge_id":"x"},"call me"')]],
    ['a packet that is no JSON', ['42["join_challenge",{']],
    ['an event without a name', ['42[]']],
    ['a packet of no known type', ['9']],
  ];
  it.each(CASES)('%s', async (_, messages) => {
    const gateway = system.service('gateway');
    const token = await tokens.user(challenge.user_id);
    const other = new Client({ url: system.gatewayUrl, token, challengeId: challenge.challenge_id });
    await other.joined();
    const hostile = await RawSocket.open(system.gatewayUrl, await tokens.user(given.userId()));
    const known = hostile.heard.length;

    for (const message of messages) hostile.send(message);
    await until(
      () => ({ answers: hostile.heard.slice(known), closed: hostile.closed }),
      ({ answers, closed }) => answers.length > 0 || closed !== undefined,
      { what: 'an answer or a close' },
    );
    hostile.end();

    const { sequence } = other.cursor!;
    await system.api.post(challenge.challenge_id, { realized_pnl: sequence % 2 === 0 ? '1.00' : '-1.00' });
    await other.reached(sequence + 1);
    other.close();
    expect(other.joins).toHaveLength(1); // it never lost its connection
    expect(gateway.isRunning).toBe(true);
    expect((await gateway.readiness()).status).toBe(200);
  });
});
