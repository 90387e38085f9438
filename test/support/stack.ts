import { randomBytes } from 'node:crypto';

import { topicsOf, type Topics } from '@tradesense/contracts';
import {
  serversAt,
  startStack,
  type Place,
  type Route,
  type Servers,
  type Stack,
  type StackOptions,
} from '@tradesense/local';
import pg from 'pg';

import type { Ground } from './system.js';
import { until } from './until.js';

/** Names the variable by which the set-up tells Jest's workers where the shared servers are. */
export const PLACE_VARIABLE = 'TEST_STACK';

export interface OwnGround extends Ground {
  readonly topics: Topics;
  /** Drops the database. Fails when somebody is still connected to it: a pool that was not closed. */
  close(): Promise<void>;
}

/** The servers that the whole run shares. */
export function sharedServers(): Servers {
  const place = process.env[PLACE_VARIABLE];
  if (place === undefined)
    throw new Error(`${PLACE_VARIABLE} is not set: this test belongs to a project with the stack`);
  return serversAt(JSON.parse(place) as Place);
}

/** A file's own database and topics on the servers that the whole run shares: what one file leaves, no other meets. */
export async function openStack({ topics = true } = {}): Promise<OwnGround> {
  const servers = sharedServers();
  const name = `t${randomBytes(6).toString('hex')}`;
  const topicPrefix = `${name}.`;
  await servers.cloneDatabase(name);
  if (topics) await servers.makeTopics(topicPrefix);
  return {
    databaseUrl: (role) => servers.databaseUrl(role, name),
    brokers: servers.kafkaBrokers,
    topicPrefix,
    topics: topicsOf(topicPrefix),
    close: () => dropUnused(servers, name),
  };
}

async function dropUnused(servers: Servers, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: servers.databaseUrl('postgres', 'postgres') });
  await client.connect();
  const sessions = async (): Promise<readonly string[]> => {
    const { rows } = await client.query<{ who: string }>(
      `select usename || ' ' || application_name || ': ' || query as who from pg_stat_activity where datname = $1`,
      [name],
    );
    return rows.map(({ who }) => who);
  };
  try {
    // A session outlives its socket by a moment.
    await until(sessions, (open) => open.length === 0, {
      withinMs: 3_000,
      what: 'every session of this file is closed',
    });
  } finally {
    await client.query(`drop database ${client.escapeIdentifier(name)} with (force)`);
    await client.end();
  }
}

/** Servers of a test's own, for one that breaks them. Its caller stops them. */
export const privateStack = (options: StackOptions = {}): Promise<Stack> => startStack(options);

/** A private stack, or one of its links, as ground for services. */
export const groundOn = ({ databaseUrl, kafkaBrokers }: Route, topicPrefix = 'tradesense.'): Ground => ({
  databaseUrl: (role) => databaseUrl(role),
  brokers: kafkaBrokers,
  topicPrefix,
});
