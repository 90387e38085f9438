import { EVENTS, HEADER } from '@tradesense/contracts';
import type { IncomingRecord } from '@tradesense/kafka';

import { Session } from '../../../services/relay/src/database/index.js';
import { extendLease, releaseLease, takeLease, type TakenRow } from '../../../services/relay/src/lease/statements.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

describe('what PostgreSQL and its driver lay for the relay', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let relay: ServiceProcess;
  let slow: OutboxWriter;
  let quick: OutboxWriter;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    slow = await OutboxWriter.open(ground.databaseUrl('postgres'));
    quick = await OutboxWriter.open(ground.databaseUrl('postgres'));
    relay = await (await scene.relay()).ready();
  });
  afterAll(async () => {
    await Promise.all([slow?.close(), quick?.close()]);
    await scene?.close();
    await ground?.close();
  });

  const one = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row> => {
    const { rows } = await quick.query<Row>(text, values);
    return rows[0]!;
  };
  const eventOf = (challengeId: string): Promise<IncomingRecord> =>
    until(
      () => scene.log.of(scene.topics.events).find(({ key }) => String(key) === challengeId)!,
      (record) => record !== undefined,
      { what: `Kafka has the event of ${challengeId}` },
    );
  const header = (record: IncomingRecord, name: string): string => String(record.headers.get(name));

  it('waits for a transaction, not for its session, nor for those who only look at the sequence (P3)', async () => {
    const [early, late] = scene.challenges.ids as [string, string];
    const watcher = await OutboxWriter.open(ground.databaseUrl('postgres'));
    try {
      await watcher.begin();
      await watcher.query('select last_value from outbox_position');
      await slow.begin();
      await slow.append(early);
      await quick.append(late);
      await eventOf(late);
      const { last } = await one<{ last: number }>('select max(position)::int as last from outbox');
      expect((await scene.row()).floor).toBeLessThan(last);
      // The same backend has the lock again at once, and keeps it.
      await slow.query(`rollback; begin; select nextval('outbox_position')`);
      await until(
        async () => (await scene.row()).floor,
        (floor) => floor >= last,
        { withinMs: 3_000, what: `the floor is at ${last}` },
      );
    } finally {
      await slow.rollBack();
      await watcher.close();
    }
  });

  it('tells when a row was written, not when its transaction began (P14)', async () => {
    const [, , late, early] = scene.challenges.ids as [string, string, string, string];
    await slow.begin();
    await slow.query('select 1');
    await quick.append(early);
    await slow.append(late);
    await slow.commit();
    const [first, second] = [await eventOf(early), await eventOf(late)];
    expect(header(second, HEADER.time) > header(first, HEADER.time)).toBe(true);
  });

  it('saves in place, and changes no row of the outbox (P19)', async () => {
    const saves = () =>
      one<{ saves: number; in_place: number; changes: number }>(
        `select (select n_tup_upd::int from pg_stat_user_tables where relname = 'relay') as saves,
                (select n_tup_hot_upd::int from pg_stat_user_tables where relname = 'relay') as in_place,
                (select sum(n_tup_upd + n_tup_del)::int from pg_stat_user_tables
                 where relname ~ '^outbox_(r[0-9]+|default)$') as changes`,
      );
    const { saves: before } = await saves();
    const {
      saves: count,
      in_place,
      changes,
    } = await until(saves, ({ saves: now }) => now >= before + 10, {
      withinMs: 30_000, // a session tells its figures when it is idle, and not more often than once a second
      what: 'ten more saves',
    });
    expect({ in_place, changes }).toEqual({ in_place: count, changes: 0 });
  });

  describe('whose sessions an operator ends (P24)', () => {
    const pidOf = (owner: string | null): number => Number(owner?.split('-').at(-2));
    const endAll = async (): Promise<void> => {
      const { rowCount } = await quick.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and usename = 'tradesense_relay'`,
      );
      expect(rowCount).toBeGreaterThan(2);
    };
    const listens = async (): Promise<boolean> => {
      const { rowCount } = await quick.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'tradesense-relay-wake'`,
      );
      return rowCount === 1;
    };
    const goesOn = async (challengeId: string, pid: number): Promise<void> => {
      await quick.append(challengeId);
      await scene.published();
      await relay.ready();
      expect(pidOf((await scene.row()).owner)).toBe(pid);
      await until(listens);
    };

    it('the process stays, takes its lease again, listens again and publishes', async () => {
      const pid = pidOf((await scene.row()).owner);
      const { generation } = await scene.row();
      await endAll();
      await goesOn(scene.challenges.ids[4]!, pid);

      // In the middle of a statement: the lease's next one waits for this lock.
      await slow.begin();
      await slow.query('select from relay for update');
      await until(
        async () =>
          (
            await quick.query(
              `select from pg_stat_activity where datname = current_database() and usename = 'tradesense_relay'
               and wait_event_type = 'Lock'`,
            )
          ).rowCount,
        (count) => count === 1,
      );
      await endAll();
      await slow.rollBack();
      await goesOn(scene.challenges.ids[5]!, pid);
      expect((await scene.row()).generation).toBeGreaterThan(generation + 1);
      expect(relay.lines.filter((line) => /uncaught|unhandled/i.test(line))).toEqual([]);
    });
  });

  it('ends a statement on the server, and the session with it (P25)', async () => {
    const name = 'relay-pitfall-25';
    const url = ground.databaseUrl('relay');
    const session = await Session.open({ url, name, statementMs: 200, signal: new AbortController().signal });
    await expect(session.query({ text: 'select pg_sleep(60)' })).rejects.toThrow('statement timeout');
    expect(session.lost.aborted).toBe(true);
    await expect(session.query({ text: 'select 1' })).rejects.toThrow('statement timeout');
    await session.close();
    await until(
      async () => (await quick.query('select from pg_stat_activity where application_name = $1', [name])).rowCount,
      (count) => count === 0,
      { what: 'its backend is gone' },
    );
  });

  it('sends no DDL, from its start to its end (P27)', async () => {
    await relay.stop();
    await quick.query('create table ddl (tag text)');
    await quick.query(`create function note_ddl() returns event_trigger security definer language plpgsql as
                       $$ begin insert into ddl values (tg_tag); end $$`);
    await quick.query('create event trigger note_ddl on ddl_command_end execute function note_ddl()');
    await quick.query('create table noticed ()');
    // As somebody who may do it.
    relay = await (await scene.relay('owner', { DATABASE_URL: ground.databaseUrl('postgres') })).ready();
    await quick.append(scene.challenges.ids[6]!);
    await scene.published();
    await relay.stop();
    await quick.query('drop event trigger note_ddl');
    expect((await quick.query('select tag from ddl')).rows).toEqual([{ tag: 'CREATE TABLE' }]);
  });

  it('saves nothing for an owner of earlier, or whose time is over by the database’s clock (P21)', async () => {
    await relay.stop();
    const url = ground.databaseUrl('relay');
    const session = await Session.open({ url, name: 'p21', statementMs: 5_000, signal: new AbortController().signal });
    const saves = async (owner: string, generation: bigint): Promise<number> => {
      const mine = { owner, generation, floor: 1_000_000n };
      const saved = await Promise.all([session.query(extendLease(mine, 60_000)), session.query(releaseLease(mine))]);
      return saved.flat().length;
    };
    const take = async (owner: string, leaseMs: number): Promise<bigint> => {
      const taken = await until(
        () => session.query<TakenRow>(takeLease(owner, leaseMs)),
        ({ length }) => length > 0,
      );
      return BigInt(taken[0]!.generation);
    };
    try {
      const first = await take('early', 1);
      const { floor } = await scene.row();
      await quick.query(`select pg_sleep(0.01)`);
      expect(await saves('early', first)).toBe(0); // nobody else has it, and it is over all the same
      const second = await take('later', 60_000);
      expect(await saves('early', first)).toBe(0);
      expect(await saves('later', first)).toBe(0);
      expect(await scene.row()).toEqual({ owner: 'later', generation: Number(second), floor });
      await quick.query(`update relay set lease_until = '-infinity'`);
    } finally {
      await session.close();
    }
  });

  // Last: no number behind these positions fits into what the other tests read.
  it.each(['America/New_York', 'Asia/Kathmandu'])(
    'keeps bytes, positions beyond 2^53 and moments under TZ=%s (P22, P23)',
    async (zone) => {
      await relay.stop();
      const { database } = await one<{ database: string }>('select current_database() as database');
      await quick.query(`alter role tradesense_relay in database ${database} set timezone = '${zone}'`);
      await quick.query(
        `select setval('outbox_position', greatest(last_value, 9007199254740992)) from outbox_position`,
      );
      relay = await (await scene.relay(zone, { TZ: zone })).ready();

      const challengeId = `zone ${zone}`;
      const payload = '{"b": 1e2,  "a":"10200.00","é":"\\u00e9😀", "a":1.10}';
      const { position, written } = await one<{ position: string; written: string }>(
        `insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload, created_at)
         values (gen_random_uuid(), $1, $2, 'EQUITY_UPDATED', 9007199254740993, 9007199254740995, 'trader', $3,
                 date_trunc('second', now()) + interval '123456 microseconds' - interval '1 second')
         returning position::text, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as written`,
        [EVENTS, challengeId, payload],
      );
      const record = await eventOf(challengeId);
      expect(BigInt(position)).toBeGreaterThanOrEqual(9_007_199_254_740_993n);
      expect(String(record.value)).toBe(payload);
      expect(written).toMatch(/\.123456Z$/);
      expect({
        position: header(record, HEADER.position),
        epoch: header(record, HEADER.epoch),
        sequence: header(record, HEADER.sequence),
        time: header(record, HEADER.time),
      }).toEqual({ position, epoch: '9007199254740993', sequence: '9007199254740995', time: written });
      await until(
        async () => (await one<{ floor: string }>('select floor::text from relay')).floor,
        (floor) => floor === position,
      );
      const age = await until(
        () => relay.metric('tradesense_relay_as_of_age_seconds'),
        (seconds) => seconds !== undefined,
      );
      expect(Math.abs(age!)).toBeLessThan(60);
    },
  );
});
