import type { Logger } from '@tradesense/platform';
import type { Client } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';

import { ActEntity } from './act.entity.js';
import { AuditEntity } from './audit.entity.js';
import { ChallengeEntity } from './challenge.entity.js';
import { DecisionEntity } from './decision.entity.js';
import { LateTradeEntity } from './late-trade.entity.js';
import { OpeningEntity } from './opening.entity.js';
import { ProgramEntity } from './program.entity.js';
import { TradeEntity } from './trade.entity.js';

export const ENTITIES = [
  ChallengeEntity,
  OpeningEntity,
  TradeEntity,
  LateTradeEntity,
  DecisionEntity,
  ProgramEntity,
  ActEntity,
  AuditEntity,
];

/** All of them are opened at the start and kept: a first rush would else spend its time on logins. */
export const CONNECTIONS = 10;
const CONNECT_MS = 3_000;
const LOCK_MS = 2_000;
const STATEMENT_MS = 5_000;
const TRANSACTION_MS = 10_000;
/** Beyond all of the server's: it ends the wait for a server that no longer answers at all. */
const ANSWER_MS = 12_000;

/** PostgreSQL 17 and later have it; for others there is `idle_in_transaction_session_timeout`. */
const LIMIT_TRANSACTIONS = `
  select set_config(name, '${TRANSACTION_MS}', false) from pg_settings where name = 'transaction_timeout'`;

/**
 * Each statement goes by an index, in a plan made once. Left to itself PostgreSQL plans for the table that it finds: looked for in
 * one that is still empty, a trade's key was sought by reading the whole table, 50,000 trades later too (decision 012). Nothing is
 * compiled: before version 18 a table that has no index, as `stream`, would look dear enough for it each time.
 */
const PLAN_BY_INDEX = `
  select set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
         set_config('enable_mergejoin', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false),
         set_config('jit', 'off', false)`;

/** `synchronize` stays off everywhere: it would drop and add columns of a filled outbox (pitfall P27). */
export const serviceDataSource = (url: string, log: Logger): DataSource =>
  new DataSource({
    type: 'postgres',
    url,
    entities: ENTITIES,
    synchronize: false,
    applicationName: 'tradesense-trade',
    poolSize: CONNECTIONS,
    connectTimeoutMS: CONNECT_MS,
    poolErrorHandler: (err: unknown) => log.warn({ err }, 'an idle database connection was lost'),
    extra: {
      pipeline: true,
      min: CONNECTIONS,
      keepAlive: true,
      lock_timeout: LOCK_MS,
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
      query_timeout: ANSWER_MS,
      async onConnect(client: Client) {
        // A client that is checked out has no other listener: without one its loss would end the process (pitfall P24).
        client.on('error', () => undefined);
        await client.query(LIMIT_TRANSACTIONS);
        await client.query(PLAN_BY_INDEX);
      },
    },
  });

export type Migration = new () => MigrationInterface;

export const migratorDataSource = (url: string, migrations: readonly Migration[]): DataSource =>
  new DataSource({
    type: 'postgres',
    url,
    migrations: [...migrations],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    synchronize: false,
    applicationName: 'tradesense-migrate',
  });
