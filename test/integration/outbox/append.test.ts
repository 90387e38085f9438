import { randomUUID } from 'node:crypto';

import { EVENTS, STATE, type ChallengeId, type EventId, type UserId } from '@tradesense/contracts';
import {
  STORED_COLUMNS,
  append,
  lockAggregates,
  transactionOf,
  type OutboxRow,
  type StoredRow,
} from '@tradesense/outbox';
import { DataSource, type EntityManager } from 'typeorm';

import { openStack, type OwnGround } from '../../support/stack.js';

/** A service of somebody else's: its own table, TypeORM's entity managers, this library. */
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

const LOCK = 'select id, sequence from account where id = $1 for no key update';
const account = async (): Promise<ChallengeId> => {
  const id = randomUUID() as ChallengeId;
  await source.query('insert into account (id) values ($1)', [id]);
  return id;
};

const row = (aggregateId: ChallengeId, facts: Partial<OutboxRow> = {}): OutboxRow => ({
  id: randomUUID() as EventId,
  aggregateType: EVENTS,
  aggregateId,
  type: 'EQUITY_UPDATED',
  epoch: 1,
  sequence: 1,
  userId: 'u' as UserId,
  traceparent: null,
  payload: '{}',
  ...facts,
});

async function write(manager: EntityManager, id: ChallengeId, facts: Partial<OutboxRow> = {}): Promise<void> {
  const transaction = transactionOf(manager);
  const { locked, rows } = await lockAggregates<{ id: string; sequence: number }>(transaction, LOCK, [id]);
  const sequence = (rows[0]?.sequence ?? 0) + 1;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5)); // lets others draw positions meanwhile
  await append(transaction, locked, [row(id, { sequence, ...facts }), row(id, { sequence, aggregateType: STATE })]);
  await manager.query('update account set sequence = $2 where id = $1', [id, sequence]);
}

const stored = (id: string): Promise<StoredRow[]> =>
  source.query(`select ${STORED_COLUMNS} from outbox o where aggregateid = $1 order by o.position`, [id]);

describe('append', () => {
  it('keeps sequence and position in one order, whoever commits when (P6)', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, account));
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        source.transaction((manager) => write(manager, ids[index % ids.length] as ChallengeId)),
      ),
    );
    for (const id of ids) {
      const sequences = (await stored(id)).map(({ sequence }) => Number(sequence));
      expect(sequences).toEqual(Array.from({ length: 80 }, (_, index) => Math.floor(index / 2) + 1));
    }
  });

  it('rolls back with its transaction (P26)', async () => {
    const id = await account();
    const failing = source.transaction(async (manager) => {
      await write(manager, id);
      throw new Error('afterwards');
    });
    await expect(failing).rejects.toThrow('afterwards');
    expect(await stored(id)).toEqual([]);
    expect(await source.query('select sequence from account where id = $1', [id])).toEqual([{ sequence: 0 }]);
  });

  it('refuses a manager outside a transaction, and one whose transaction is over (P26)', async () => {
    const id = await account();
    await expect(write(source.manager, id)).rejects.toMatchObject({ code: 'outbox-outside-transaction' });
    let leaked: EntityManager | undefined;
    await source.transaction(async (manager) => {
      leaked = manager;
      await write(manager, id);
    });
    await expect(write(leaked as EntityManager, id)).rejects.toMatchObject({ code: 'outbox-outside-transaction' });
    expect(await stored(id)).toHaveLength(2);
  });

  it('keeps the payload’s bytes, and gives a reader text in any time zone', async () => {
    const id = await account();
    const payload = '{"b":1e2, "a":"10200.00","é":"😀\\u00e9\\\\u0000\\"{},NULL", "a":1}';
    await source.transaction((manager) => write(manager, id, { payload, traceparent: null }));
    const [first] = await source.transaction(async (manager) => {
      await manager.query(`set local timezone = 'America/New_York'`);
      return manager.query<StoredRow[]>(
        `select ${STORED_COLUMNS} from outbox o where aggregateid = $1 order by o.position`,
        [id],
      );
    });
    expect(first).toMatchObject({ payload, epoch: '1', sequence: '1', aggregatetype: EVENTS, traceparent: null });
    expect(first?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Math.abs(Date.parse(first?.created_at ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('gives a position beyond 2^53 as it is', async () => {
    const id = await account();
    await source.query(`select setval('outbox_position', 9007199254740992)`);
    await source.transaction((manager) => write(manager, id));
    expect((await stored(id)).map(({ position }) => position)).toEqual(['9007199254740993', '9007199254740994']);
  });
});
