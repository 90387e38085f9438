import { EVENTS, STATE } from '@tradesense/contracts';
import { STATE_TYPE } from '@tradesense/outbox';
import pg from 'pg';

import type { Sample } from './pgbench.js';

/** What trades leave behind, made by the server: an event and a state of each challenge at each step, as a sampled trade has them. */
const APPEND = `
  insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
  select md5(id::text || step || type)::uuid, stream, id::text, type, epoch, step, user_id,
         replace(replace(replace(payload, $4, id::text), $5, user_id), '"sequence":' || $6::text, '"sequence":' || step)::json
    from generate_series($1::bigint, $2::bigint) as step
         cross join challenge
         cross join (values ($7, 'EQUITY_UPDATED', $8), ($9, $10, $11)) as given (stream, type, payload)
   where id = any($3::uuid[])
   order by step, id, stream`;
const STEPS_AT_ONCE = 50;

/** Rows of the outbox behind challenges that nobody trades. */
export class Backlog {
  #step = 0;

  constructor(
    /** As a role that may do everything. */
    private readonly url: string,
    private readonly challengeIds: readonly string[],
    private readonly sample: Sample,
  ) {}

  /** At least so many more. */
  async append(rows: number): Promise<void> {
    const { event, state } = this.sample;
    const text = (row: Sample['event'], column: string): string => row.get(column)?.value ?? '';
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      const until = this.#step + Math.ceil(rows / 2 / this.challengeIds.length);
      while (this.#step < until) {
        const to = Math.min(until, this.#step + STEPS_AT_ONCE);
        await client.query(APPEND, [
          ...[this.#step + 1, to, this.challengeIds],
          ...[text(event, 'aggregateid'), text(event, 'user_id'), text(event, 'sequence')],
          ...[EVENTS, text(event, 'payload'), STATE, STATE_TYPE, text(state, 'payload')],
        ]);
        this.#step = to;
      }
    } finally {
      await client.end();
    }
  }
}
