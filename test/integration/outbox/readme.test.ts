import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { ChallengeId, EventId } from '@tradesense/contracts';
import { outboxMigrations } from '@tradesense/outbox';
import pg from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

import { handledOnce } from '../../support/invariants.js';
import { inRepository } from '../../support/repository.js';
import { GrowingLog } from '../../support/growing-log.js';
import { Relays } from '../../support/relays.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';
import { book } from './foreign-account.js';

class Accounts1700000000009 implements MigrationInterface {
  readonly name = 'Accounts1700000000009';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table account (
      id text primary key, user_id text not null, epoch bigint not null default 0, sequence integer not null default 0)`);
    await runner.query('grant select, insert, update on account to public');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table account');
  }
}

/** A firm's own database beside ours, with nothing of the trade service in it. */
const NAME = `firm_${randomBytes(6).toString('hex')}`;

describe('a service that is not ours', () => {
  let ground: OwnGround;
  let server: pg.Client;
  let firm: DataSource;
  let relays: Relays;
  let log: GrowingLog;

  const at = (role: 'postgres' | 'migrator' | 'relay', database: string): string => {
    const url = new URL(ground.databaseUrl(role));
    url.pathname = `/${database}`;
    return url.href;
  };
  beforeAll(async () => {
    ground = await openStack();
    server = new pg.Client({ connectionString: at('postgres', 'postgres') });
    await server.connect();
    await server.query(`create database ${NAME} owner tradesense_migrator`);
    await server.query(`create role ${NAME} login password 'firm' in role tradesense_trade`);
    const migrations = [...outboxMigrations, Accounts1700000000009];
    const migrator = await new DataSource({ type: 'postgres', url: at('migrator', NAME), migrations }).initialize();
    await migrator.runMigrations();
    await migrator.destroy();

    const url = new URL(at('postgres', NAME));
    [url.username, url.password] = [NAME, 'firm'];
    firm = await new DataSource({ type: 'postgres', url: url.href }).initialize();
    relays = new Relays({ ...ground, databaseUrl: () => at('relay', NAME) });
    log = await GrowingLog.open(ground.brokers, [ground.topics.events]);
    await (await relays.start()).ready();
  });
  afterAll(async () => {
    await relays?.processes.stop();
    await log?.close();
    await firm?.destroy();
    await server?.query(`drop database if exists ${NAME} with (force)`);
    await server?.query(`drop role if exists ${NAME}`);
    await server?.end();
    await ground?.close();
  });

  it('is shown by the README as it is here', () => {
    const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(inRepository('libs/outbox/README.md'), 'utf8')) ?? [];
    expect(example).toBe(readFileSync(inRepository('test/integration/outbox/foreign-account.ts'), 'utf8'));
  });

  it('appends to its own accounts, and Kafka has its events in order', async () => {
    const id = randomUUID() as ChallengeId;
    await firm.query(`insert into account (id, user_id) values ($1, 'trader-7')`, [id]);
    const events = Array.from({ length: 30 }, (_, index) => ({
      id: randomUUID() as EventId,
      type: 'EQUITY_UPDATED',
      fields: { current_equity: `${10_000 + index}.00` },
    }));
    await Promise.all(events.map((event) => book(firm, id, event)));
    const records = await until(
      () => log.of(ground.topics.events),
      ({ length }) => length >= events.length,
      { what: 'Kafka has the events' },
    );
    const numbered = log.numbered(ground.topics.events);
    expect(numbered.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(handledOnce(numbered)).toEqual([]);
    const payloads = records.map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>);
    for (const [index, payload] of payloads.entries()) {
      const event = events.find(({ id: eventId }) => eventId === payload['event_id'])!;
      expect(payload).toEqual({
        ...event.fields,
        challenge_id: id,
        user_id: 'trader-7',
        event_id: event.id,
        epoch: numbered[index]!.epoch,
        sequence: index + 1,
      });
    }
  });

  it('begins its sequences again when the epoch is raised', async () => {
    const id = randomUUID() as ChallengeId;
    await firm.query(`insert into account (id, user_id) values ($1, 'trader-8')`, [id]);
    const one = () => book(firm, id, { id: randomUUID() as EventId, type: 'EQUITY_UPDATED', fields: {} });
    await one();
    await one();
    const migrator = await new DataSource({ type: 'postgres', url: at('migrator', NAME) }).initialize();
    await migrator.query('update stream set epoch = epoch + 1');
    await migrator.destroy();
    await one();
    const rows: { epoch: number; sequence: number }[] = await firm.query(
      'select epoch - (select min(epoch) from outbox) as epoch, sequence from outbox where aggregateid = $1 order by position',
      [id],
    );
    expect(rows.map(({ epoch, sequence }) => [Number(epoch), Number(sequence)])).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
    ]);
  });
});
