import { EVENTS } from '@tradesense/contracts';
import pg from 'pg';

import { WriterChallenges } from '../../support/outbox-writers.js';

/** 284 bytes, as an equity update has. */
const PAYLOAD = JSON.stringify({ figure: '10000.00', filler: 'x'.repeat(250) });
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Events of each challenge, in order of sequence; the challenges are locked first. */
const APPEND = `
  with locked as (
    update writer_challenge set sequence = sequence + $2 where id = any($1) returning id, sequence - $2 as before)
  insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, traceparent, payload)
  select gen_random_uuid(), '${EVENTS}', id, 'EQUITY_UPDATED', 1, before + step, 'trader', '${TRACE}', $3::json
  from generate_series(1, $2::int) as step cross join locked
  order by step, id
  returning id`;
const SILENTLY = APPEND.replace(/returning id$/, '');

const CHALLENGES = 1_000;
const LANES = 8;

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

/**
 * Writes events and no states, because the relay leaves out states that are superseded and both contenders shall publish every
 * row. Each connection has challenges of its own, so that nobody waits for a lock.
 */
export class OutboxRows {
  #turn = 0;
  #committed = 0;
  #wake: 'quiet' | 'ringing' | 'ringing, and again' = 'quiet';

  private constructor(
    private readonly lanes: readonly { readonly client: pg.Client; readonly challenges: readonly string[] }[],
    private readonly last: Promise<unknown>[],
    private readonly challenges: readonly string[],
    private readonly notifier: pg.Client,
  ) {}

  static async open(url: string): Promise<OutboxRows> {
    const challenges = await WriterChallenges.create(url, CHALLENGES);
    await challenges.close();
    const lanes = await Promise.all(
      Array.from({ length: LANES }, async (_, lane) => ({
        client: await connected(url),
        challenges: challenges.ids.filter((_, index) => index % LANES === lane),
      })),
    );
    return new OutboxRows(
      lanes,
      lanes.map(() => Promise.resolve()),
      challenges.ids,
      await connected(url),
    );
  }

  get committed(): number {
    return this.#committed;
  }

  /** In transactions of 10,000 rows, or of 1,000 where fewer are wanted. Whoever publishes them is not told. */
  async backlog(rows: number): Promise<void> {
    const { client } = this.lanes[0]!;
    for (let left = rows; left > 0; left -= CHALLENGES * 10) {
      const steps = Math.min(10, Math.ceil(left / CHALLENGES));
      await client.query(SILENTLY, [this.challenges, steps, PAYLOAD]);
      this.#committed += steps * CHALLENGES;
    }
    await client.query('checkpoint'); // now, and not while somebody is measured
  }

  /** One row in a transaction of its own, behind those of its connection; answers with its id once it is committed. */
  one(): Promise<string> {
    const turn = (this.#turn += 1);
    const lane = turn % LANES;
    const { client, challenges } = this.lanes[lane]!;
    const challenge = challenges[Math.floor(turn / LANES) % challenges.length];
    const written = this.last[lane]!.then(async () => {
      const values = [[challenge], 1, PAYLOAD];
      const { rows } = await client.query<{ id: string }>({ name: 'one', text: APPEND, values });
      this.#committed += 1;
      return rows[0]!.id;
    });
    this.last[lane] = written;
    return written;
  }

  /** As the trade service does it: after the commit, on a connection of its own, one under way at most. */
  wake(): void {
    if (this.#wake !== 'quiet') this.#wake = 'ringing, and again';
    else void this.#notify();
  }

  async #notify(): Promise<void> {
    this.#wake = 'ringing';
    await this.notifier.query('notify tradesense_outbox');
    const again = (this.#wake as string) === 'ringing, and again';
    this.#wake = 'quiet';
    if (again) await this.#notify();
  }

  async close(): Promise<void> {
    await Promise.all(this.last);
    await Promise.all([...this.lanes.map(({ client }) => client.end()), this.notifier.end()]);
  }
}
