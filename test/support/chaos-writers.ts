import { setTimeout as delay } from 'node:timers/promises';

import { EVENTS, STATE } from '@tradesense/contracts';
import pg from 'pg';

import { OutboxWriter, someOf } from './outbox-writers.js';

/** What has become of their transactions. */
export interface Tally {
  committed: number;
  rolledBack: number;
  prepared: number;
  /** Ended by PostgreSQL, or nobody knows how. */
  failed: number;
}

export interface ChaosWritersOptions {
  /** As somebody who may do anything. */
  readonly url: string;
  readonly challenges: readonly string[];
  readonly chance: () => number;
  readonly writers: number;
  /** Average pause after a transaction. */
  readonly pauseMs: number;
}

// The position is drawn in the statement that inserts, after the lock, but the statement sleeps in between.
const SLEEP_BEFORE_INSERT = `
  with locked as (update writer_challenge set sequence = sequence + 1 where id = $1 returning id, sequence),
       drawn as materialized (
         select nextval('outbox_position') as position, id, sequence, stream, type
         from locked cross join (values ($2, 'EQUITY_UPDATED'), ($3, 'CHALLENGE_STATE')) as given (stream, type)),
       slept as materialized (select drawn.*, pg_sleep($5) from drawn)
  insert into outbox (position, id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
  select position, gen_random_uuid(), stream, id, type, 1, sequence, 'trader', $4::json from slept`;

// Positions drawn in a block that is rolled back, then another one, a sleep, and only then its row.
const DRAW_AND_REGRET = `
  create or replace function draw_and_regret(challenge text, events text, state text, payload json, seconds float8)
  returns void language plpgsql as $$
  declare
    now_at bigint;
    drawn bigint;
  begin
    update writer_challenge set sequence = sequence + 1 where id = challenge returning sequence into now_at;
    begin
      insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
      values (gen_random_uuid(), events, challenge, 'EQUITY_UPDATED', 1, now_at, 'trader', payload);
      raise exception 'regretted';
    exception when raise_exception then null;
    end;
    drawn := nextval('outbox_position');
    perform pg_sleep(seconds);
    insert into outbox (position, id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
    values (drawn, gen_random_uuid(), events, challenge, 'EQUITY_UPDATED', 1, now_at, 'trader', payload);
    insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
    values (gen_random_uuid(), state, challenge, 'CHALLENGE_STATE', 1, now_at, 'trader', payload);
  end $$`;

const GROUP = `
  with locked as (update writer_challenge set sequence = sequence + $5 where id = $1 returning id, sequence)
  insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
  select gen_random_uuid(), case when step > $5 then $3 else $2 end, id,
         case when step > $5 then 'CHALLENGE_STATE' else 'EQUITY_UPDATED' end, 1,
         sequence - $5 + least(step, $5), 'trader', $4::json
  from locked cross join generate_series(1, $5 + 1) as step order by step`;

const AGAIN_MS = 100;
/** Behind a prepared transaction that nobody ends, a writer gives up and goes elsewhere. */
const WRITER_SETTINGS = `set lock_timeout = '1s'`;

/**
 * Writers that keep the writer's rule and are as disorderly as it lets them be: sleeps between number and row and between row and
 * commit, savepoints and exception blocks rolled back, groups, transactions given up or prepared and ended later. They come back
 * after PostgreSQL was away, and write until they are stopped.
 */
export class ChaosWriters {
  readonly tally: Tally = { committed: 0, rolledBack: 0, prepared: 0, failed: 0 };
  readonly #stop = new AbortController();
  readonly #writing: Promise<unknown>;
  #prepared = 0;

  private constructor(private readonly options: ChaosWritersOptions) {
    this.#writing = Promise.all(Array.from({ length: options.writers }, () => this.#write()));
  }

  static async start(options: ChaosWritersOptions): Promise<ChaosWriters> {
    const client = new pg.Client({ connectionString: options.url });
    await client.connect();
    await client.query(DRAW_AND_REGRET).finally(() => client.end());
    return new ChaosWriters(options);
  }

  /** Resolves when each has ended its transaction, and no prepared one is left. PostgreSQL must be there. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#writing;
    await endPrepared(this.options.url, this.options.chance);
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const writer = await OutboxWriter.open(this.options.url).catch(() => undefined);
      if (writer === undefined) {
        await delay(AGAIN_MS);
        continue;
      }
      await this.#writeOn(writer).catch(() => (this.tally.failed += 1));
      await writer.close().catch(() => undefined);
    }
  }

  async #writeOn(writer: OutboxWriter): Promise<void> {
    const { chance, challenges, pauseMs } = this.options;
    await writer.query(WRITER_SETTINGS);
    while (!this.#isOver) {
      await writer.begin();
      for (const id of someOf(challenges, chance)) {
        await this.#append(writer, id);
        await delay(chance() * (chance() < 0.02 ? 2_000 : 30));
      }
      await this.#end(writer);
      await delay(chance() * 2 * pauseMs);
    }
  }

  async #append(writer: OutboxWriter, id: string): Promise<void> {
    const { chance } = this.options;
    // The spaces are part of the bytes that must arrive.
    const payload = `{"figure": ${Math.floor(chance() * 1e6)}.10,  "of": "${id}"}`;
    const facts = [id, EVENTS, STATE, payload];
    const sleepS = chance() * 0.05;
    const kind = chance();
    if (kind < 0.15) await writer.query(SLEEP_BEFORE_INSERT, [...facts, sleepS]);
    else if (kind < 0.3) await writer.query(`select draw_and_regret($1, $2, $3, $4::json, $5)`, [...facts, sleepS]);
    else if (kind < 0.4) await writer.query(GROUP, [...facts, 1 + Math.floor(chance() * 64)]);
    else await writer.append(id, payload);
    if (chance() >= 0.15) return;
    await writer.query('savepoint half_way');
    await writer.append(id);
    await writer.query('rollback to savepoint half_way');
  }

  async #end(writer: OutboxWriter): Promise<void> {
    const { chance } = this.options;
    const how = chance();
    if (how < 0.15) {
      await writer.rollBack();
      this.tally.rolledBack += 1;
    } else if (how < 0.18) await this.#prepare(writer);
    else {
      await writer.commit();
      this.tally.committed += 1;
    }
  }

  async #prepare(writer: OutboxWriter): Promise<void> {
    const { chance } = this.options;
    const name = `chaos-${(this.#prepared += 1)}`;
    await writer.query(`prepare transaction '${name}'`);
    this.tally.prepared += 1;
    await delay(chance() * 500);
    await writer.query(`${chance() < 0.3 ? 'rollback' : 'commit'} prepared '${name}'`);
  }
}

/** Ends whatever was left prepared, one way or the other. */
export async function endPrepared(url: string, chance: () => number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ gid: string }>(
      `select gid from pg_prepared_xacts where database = current_database() order by gid`,
    );
    for (const { gid } of rows)
      await client.query(`${chance() < 0.3 ? 'rollback' : 'commit'} prepared ${client.escapeLiteral(gid)}`);
    return rows.length;
  } finally {
    await client.end();
  }
}
