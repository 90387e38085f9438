import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { EVENTS, type ChallengeId, type EventId, type UserId } from '@tradesense/contracts';
import { append, lockAggregates, transactionOf, type OutboxRow } from '@tradesense/outbox';
import { DataSource } from 'typeorm';

import { chanceOf } from '../../support/outbox-writers.js';
import { openStack, type OwnGround } from '../../support/stack.js';

let ground: OwnGround;
let source: DataSource;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  source = await new DataSource({
    type: 'postgres',
    url: ground.databaseUrl('postgres'),
    synchronize: false,
    extra: { max: 50 },
  }).initialize();
  await source.query('create table account (id text primary key, sequence integer not null default 0)');
});
afterAll(async () => {
  await source?.destroy();
  await ground?.close();
});

const event = (aggregateId: ChallengeId, sequence: number): OutboxRow => ({
  id: randomUUID() as EventId,
  aggregateType: EVENTS,
  aggregateId,
  type: 'EQUITY_UPDATED',
  epoch: 1,
  sequence,
  userId: 'u' as UserId,
  traceparent: null,
  payload: '{}',
});

describe('fifty writers of one aggregate (P6)', () => {
  it('that sleep between all their steps, and some of whom roll back, number in the order of positions', async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    const chance = chanceOf(seed);
    const pause = () => delay(chance() * 20);
    const id = randomUUID() as ChallengeId;
    await source.query('insert into account (id) values ($1)', [id]);
    const write = () =>
      source.transaction(async (manager) => {
        const transaction = transactionOf(manager);
        await manager.query('select 1'); // a snapshot of the transaction's would be this old
        await pause();
        const { locked, rows } = await lockAggregates<{ id: string; sequence: number }>(
          transaction,
          'select id, sequence from account where id = $1 for no key update',
          [id],
        );
        const sequence = rows[0]!.sequence + 1;
        await pause();
        await append(transaction, locked, [event(id, sequence)]);
        await pause();
        await manager.query('update account set sequence = $2 where id = $1', [id, sequence]);
        if (chance() < 0.2) throw new Error('regretted');
      });
    const written = await Promise.allSettled(Array.from({ length: 50 }, write));
    const committed = written.filter(({ status }) => status === 'fulfilled').length;
    const stored = await source.query<{ sequence: number }[]>(
      'select sequence::int from outbox where aggregateid = $1 order by position',
      [id],
    );
    expect(committed).toBeGreaterThan(20);
    expect(stored.map(({ sequence }) => sequence)).toEqual(Array.from({ length: committed }, (_, index) => index + 1));
  });
});
