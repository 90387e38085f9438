import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { EVENTS, STATE } from '@tradesense/contracts';
import pg from 'pg';

import type { Numbered } from './invariants.js';

/** A session that writes outbox rows of its own making, beside the trade service's: it can stop half way where that one never would. */
export class OutboxWriter {
  private constructor(private readonly client: pg.Client) {}

  static async open(superuserUrl: string): Promise<OutboxWriter> {
    const client = new pg.Client({ connectionString: superuserUrl, application_name: 'outbox-writer' });
    client.on('error', () => undefined); // told by the next statement
    await client.connect();
    return new OutboxWriter(client);
  }

  begin = () => this.client.query('begin');
  commit = () => this.client.query('commit');
  rollBack = () => this.client.query('rollback');
  close = () => this.client.end();
  query = <Row extends object>(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult<Row>> =>
    this.client.query<Row>(text, [...values]);

  /** The writer's rule: the challenge's row is locked first and stays so, then an event and the state are appended. */
  async append(challengeId: string, payload = '{}'): Promise<void> {
    await this.client.query(
      `with locked as (update writer_challenge set sequence = sequence + 1 where id = $1 returning id, sequence),
            given (stream, type) as (values ($2, 'EQUITY_UPDATED'), ($3, 'CHALLENGE_STATE'))
       insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
       select gen_random_uuid(), stream, id, type, (select epoch from stream), sequence, 'trader', $4::json
       from locked cross join given`,
      [challengeId, EVENTS, STATE, payload],
    );
  }
}

/** The challenges of a test, and everything their writers have committed. */
export class WriterChallenges {
  private constructor(
    private readonly superuserUrl: string,
    private writer: OutboxWriter,
    readonly ids: readonly string[],
  ) {}

  static async create(superuserUrl: string, count: number): Promise<WriterChallenges> {
    const writer = await OutboxWriter.open(superuserUrl);
    const ids = Array.from({ length: count }, () => randomUUID());
    await writer.query('create table if not exists writer_challenge (id text primary key, sequence bigint not null)');
    await writer.query('insert into writer_challenge select unnest($1::text[]), 0', [ids]);
    // The first epoch of a test is 1: rows of an earlier one than the current are withheld.
    await writer.query('update stream set epoch = 1, swept = 1');
    await writer.query('update relay set swept = 1');
    return new WriterChallenges(superuserUrl, writer, ids);
  }

  /** After PostgreSQL was away. */
  async reconnect(): Promise<void> {
    await this.close();
    this.writer = await OutboxWriter.open(this.superuserUrl);
  }

  async close(): Promise<void> {
    await this.writer.close().catch(() => undefined); // lost already where PostgreSQL was killed
  }
  get query() {
    return this.writer.query;
  }

  /** Events that were committed, in order of position. */
  async committed(): Promise<readonly Numbered[]> {
    const { rows } = await this.writer.query<{ challenge_id: string; epoch: number; sequence: number }>(
      `select aggregateid as challenge_id, epoch::int, sequence::int from outbox
       where aggregatetype = $1 and aggregateid = any($2) order by position`,
      [EVENTS, this.ids],
    );
    return rows;
  }
}

export interface Disorder {
  /** Decides everything that is left to chance, so that a failure can be repeated. */
  readonly chance: () => number;
  readonly writers: number;
  readonly transactions: number;
}

/**
 * Writers at once, each with transactions over one to three challenges: pauses between number and commit, one in seven rolled
 * back, one in seven with a savepoint rolled back in the middle. What fails because a server went away is tried no more.
 */
export async function writeInDisorder(
  superuserUrl: string,
  challenges: readonly string[],
  { chance, writers, transactions }: Disorder,
): Promise<void> {
  const write = async (): Promise<void> => {
    const writer = await OutboxWriter.open(superuserUrl);
    const pause = (ms: number): Promise<void> => delay(chance() * ms);
    try {
      for (let count = 0; count < transactions; count += 1) {
        await writer.begin();
        for (const id of someOf(challenges, chance)) {
          await writer.append(id);
          await pause(chance() < 0.05 ? 300 : 10);
          if (chance() < 1 / 7) {
            await writer.query('savepoint half_way');
            await writer.append(id);
            await writer.query('rollback to savepoint half_way');
          }
        }
        await (chance() < 1 / 7 ? writer.rollBack() : writer.commit());
        await pause(20);
      }
    } finally {
      await writer.close().catch(() => undefined);
    }
  };
  await Promise.allSettled(Array.from({ length: writers }, write));
}

/** One to three, in order of id, as everybody locks them. */
export function someOf(ids: readonly string[], chance: () => number): readonly string[] {
  const count = 1 + Math.floor(chance() * 3);
  const some = new Set(Array.from({ length: count }, () => ids[Math.floor(chance() * ids.length)]!));
  return [...some].sort();
}

/** Repeatable chance (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
