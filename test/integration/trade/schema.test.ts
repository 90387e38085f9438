import type { ChallengeState } from '@tradesense/contracts';
import pg from 'pg';
import { DataSource } from 'typeorm';

import { ENTITIES } from '../../../services/trade/src/store/index.js';
import { given } from '../../support/given.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';

let ground: OwnGround;
let database: pg.Client;
beforeAll(async () => {
  ground = await openStack({ topics: false });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await ground?.close();
});

describe('the entities', () => {
  it('are the tables: same columns, types and keys', async () => {
    const source = await new DataSource({
      type: 'postgres',
      url: ground.databaseUrl('migrator'),
      entities: ENTITIES,
      synchronize: false,
    }).initialize();
    try {
      for (const { tableName, columns } of source.entityMetadatas) {
        const declared = columns.map((column) => ({
          name: column.databaseName,
          type: source.driver.normalizeType(column),
          nullable: column.isNullable,
          key: column.isPrimary,
          precision: column.precision ?? null,
          scale: column.scale ?? null,
        }));
        const { rows } = await database.query(
          `select column_name as name, data_type as type, is_nullable = 'YES' as nullable,
                  exists (select from information_schema.key_column_usage k join information_schema.table_constraints c
                            using (constraint_name, table_name)
                           where c.constraint_type = 'PRIMARY KEY' and k.table_name = columns.table_name
                             and k.column_name = columns.column_name) as key,
                  case when data_type = 'numeric' then numeric_precision end as precision,
                  case when data_type = 'numeric' then numeric_scale end as scale
             from information_schema.columns where table_name = $1 order by ordinal_position`,
          [tableName],
        );
        expect({ tableName, columns: declared }).toEqual({ tableName, columns: rows });
      }
    } finally {
      await source.destroy();
    }
  });
});

describe('starting the service', () => {
  it('sends no DDL', async () => {
    await database.query('create table ddl (tag text)');
    await database.query(`create function note_ddl() returns event_trigger security definer language plpgsql as
                          $$ begin insert into ddl values (tg_tag); end $$`);
    await database.query('create event trigger note_ddl on ddl_command_end execute function note_ddl()');
    await database.query('create table noticed ()');
    const system = await System.start(ground, { services: ['trade'] });
    await system.api.post((await system.api.open()).challenge_id);
    await system.stop();
    await database.query('drop event trigger note_ddl');
    expect((await database.query('select tag from ddl')).rows).toEqual([{ tag: 'CREATE TABLE' }]);
  });
});

describe('stopping the service', () => {
  it('finishes the trade that is under way', async () => {
    const system = await System.start(ground, { services: ['trade'] });
    const { challenge_id } = await system.api.open();
    await database.query('begin');
    await database.query('select from challenge where id = $1 for no key update', [challenge_id]);
    const posted = system.api.post(challenge_id);
    await until(
      () => system.service('trade').metric('tradesense_trade_commands_under_way'),
      (count) => count === 1,
    );
    const stopped = system.service('trade').stop();
    await until(
      () => system.service('trade').logged('stopping'),
      (lines) => lines.length > 0,
    );
    await database.query('commit');
    expect((await posted).challenge.sequence).toBe(1);
    expect(await stopped).toMatchObject({ code: 0 });
    await system.stop();
  });
});

describe('the time zone of a process or a session', () => {
  it.each(['America/New_York', 'Asia/Kathmandu', 'Pacific/Kiritimati'])('%s changes nothing', async (zone) => {
    await database.query(`alter role tradesense_trade in database ${database.database} set timezone = '${zone}'`);
    const system = await System.start(ground, { services: ['trade'], env: { trade: { TZ: zone } } });
    try {
      const { challenge_id } = await system.api.open();
      const executed_at = '2026-03-02T23:59:59.123456+01:00';
      const { challenge } = await system.api.post(challenge_id, given.trade({ executed_at }));
      expect(challenge.equity.executed_at).toBe('2026-03-02T22:59:59.123456Z');
      const today = challenge.created_at.slice(0, 10);
      expect(challenge.day).toMatchObject({ date: today, starts_at: `${today}T00:00:00Z` });
      expect(await system.api.read(challenge_id)).toEqual(challenge);
      const { body } = await system.api.request<{ items: ChallengeState[] }>(
        'GET',
        `/v1/challenges/${challenge_id}/trades`,
      );
      expect(body.items).toMatchObject([{ executed_at: '2026-03-02T22:59:59.123456Z' }]);
    } finally {
      await system.stop();
    }
  });
});
