import { ClientPool } from '@tradesense/client';

import { ClientWorld } from '../../support/client-world.js';
import { tokenOf } from '../../support/page.js';

const url = 'ws://gateway';
let world: ClientWorld;
let pool: ClientPool;
beforeEach(() => {
  world = new ClientWorld();
  pool = new ClientPool(world);
});

const look = (token: Parameters<ClientPool['keyOf']>[0], challengeId: string): (() => void) =>
  pool.challenge({ url, token }, challengeId).subscribe(() => undefined);

describe('clients of one page', () => {
  it('are one socket for one user, though tokens and challenges differ', async () => {
    look(tokenOf('trader-1', { jti: 'a' }), 'c1');
    look(tokenOf('trader-1', { jti: 'b' }), 'c2');
    await world.settle();
    expect(world.wires).toHaveLength(1);
    expect(world.wire.joins.map(({ challenge_id }) => challenge_id)).toEqual(['c1', 'c2']);
  });

  it('are one socket for each user and each address', async () => {
    look(tokenOf('trader-1'), 'c1');
    look(tokenOf('trader-2'), 'c1');
    pool.challenge({ url: 'ws://elsewhere', token: tokenOf('trader-1') }, 'c1').subscribe(() => undefined);
    await world.settle();
    expect(world.openWires).toHaveLength(3);
  });

  it('are one socket for one provider function', async () => {
    const provider = (): string => tokenOf('trader-1');
    look(provider, 'c1');
    look(provider, 'c2');
    look(() => tokenOf('trader-1'), 'c1');
    await world.settle();
    expect(world.openWires).toHaveLength(2);
  });

  it('cost nothing before somebody subscribes', async () => {
    const handle = pool.challenge({ url, token: tokenOf('trader-1') }, 'c1');
    expect(handle.getSnapshot().connection.is).toBe('connecting');
    await world.advance(60_000);
    expect(world.wires).toEqual([]);
    await expect(handle.refresh()).resolves.toBe(false);
  });

  it('leave no socket of a user who has gone 2 s later, and start from nothing when he returns', async () => {
    const stop = look(tokenOf('trader-1'), 'c1');
    await world.settle();
    stop();
    look(tokenOf('trader-2'), 'c1');
    await world.advance(2_000);
    expect(world.openWires.map(({ token }) => token)).toEqual([tokenOf('trader-2')]);
    look(tokenOf('trader-1', { jti: 'later' }), 'c1');
    await world.settle();
    expect(world.wire.token).toBe(tokenOf('trader-1', { jti: 'later' }));
    expect(world.wire.joins).toEqual([{ challenge_id: 'c1' }]);
  });

  it('use the newest token of a user at the next connect', async () => {
    const handle = pool.challenge({ url, token: tokenOf('trader-1') }, 'c1');
    handle.subscribe(() => undefined);
    await world.settle();
    handle.useToken(tokenOf('trader-1', { jti: 'newer' }));
    world.wire.cut();
    await world.advance(1_000);
    expect(world.wire.token).toBe(tokenOf('trader-1', { jti: 'newer' }));
  });
});
