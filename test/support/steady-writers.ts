import { EVENTS, STATE, type TopicSpec } from '@tradesense/contracts';
import { openReader, type Reader } from '@tradesense/kafka';
import pg from 'pg';

import { WriterChallenges } from './outbox-writers.js';
import { storedOf } from './topic-log.js';

const CHANNEL = 'tradesense_outbox';
/** 284 bytes, as an equity update has. */
const PAYLOAD = JSON.stringify({ figure: '10000.00', filler: 'x'.repeat(250) });

/**
 * An event and a state of each challenge, in one transaction; the challenges are locked first. Their numbers are the writer's to
 * remember: an update would leave a dead row each time, and what is measured would be the writers' own table.
 */
const APPEND = `
  with locked as (
         select id, before from unnest($1::text[], $6::bigint[]) as given (id, before) join writer_challenge using (id)
         for no key update of writer_challenge),
       given (stream, type) as (values ($2, 'EQUITY_UPDATED'), ($3, 'CHALLENGE_STATE'))
  insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
  select gen_random_uuid(), stream, id, type, 1, before + step, 'trader', $4::json
  from generate_series(1, $5::int) as step cross join locked cross join given
  order by step, id, stream
  returning aggregatetype as stream, aggregateid as id, sequence::int`;
const SILENTLY = APPEND.replace(/returning aggregatetype.*$/s, '');

/** Monotonic within the process, and comparable with the broker's clock as long as nobody sets the machine's. */
const nowMs = (): number => performance.timeOrigin + performance.now();

export interface Delay {
  /** When the event's commit was answered, milliseconds since 1970. */
  readonly committedMs: number;
  /** From then until the broker stored it. */
  readonly delayMs: number;
}

/** From commit to Kafka: what the writers say on one side, what the topic has on the other. */
export class CommitToKafka {
  readonly delays: Delay[] = [];
  readonly #committed = new Map<string, number>();
  /** Seen in the topic before the writer had its answer. */
  readonly #stored = new Map<string, number>();
  readonly #last = new Map<string, number>();
  readonly #reader: Reader;

  private constructor(brokers: readonly string[], { name, partitions }: TopicSpec, challenges: ReadonlySet<string>) {
    this.#reader = openReader({ brokers, clientId: 'commit-to-kafka' }, [{ topic: name, partitions, from: 'end' }], {
      records: (records) => {
        for (const record of records) {
          const { challenge_id, sequence, storedAtMs } = storedOf(record);
          if (challenges.has(challenge_id)) this.#storedAt(challenge_id, sequence, storedAtMs);
        }
      },
      lost: (loss) => {
        throw new Error(`the log of ${loss.topic} has lost ${loss.from} to ${loss.to}: ${loss.why}`);
      },
      position: () => undefined,
    });
  }

  static async open(
    brokers: readonly string[],
    events: TopicSpec,
    challenges: readonly string[],
  ): Promise<CommitToKafka> {
    const meter = new CommitToKafka(brokers, events, new Set(challenges));
    await meter.#reader.start();
    return meter;
  }

  /** Committed and not in Kafka yet, as far as was seen. */
  get outstanding(): number {
    return this.#committed.size;
  }

  committedAt(challengeId: string, sequence: number, committedMs: number): void {
    const key = `${challengeId} ${sequence}`;
    const storedMs = this.#stored.get(key);
    if (storedMs === undefined) this.#committed.set(key, committedMs);
    else {
      this.#stored.delete(key);
      this.#told(committedMs, storedMs);
    }
  }

  #storedAt(challengeId: string, sequence: number, storedMs: number): void {
    if (sequence <= (this.#last.get(challengeId) ?? 0)) return; // once more
    this.#last.set(challengeId, sequence);
    const key = `${challengeId} ${sequence}`;
    const committedMs = this.#committed.get(key);
    if (committedMs === undefined) this.#stored.set(key, storedMs);
    else {
      this.#committed.delete(key);
      this.#told(committedMs, storedMs);
    }
  }

  #told(committedMs: number, storedMs: number): void {
    this.delays.push({ committedMs, delayMs: Math.max(0, storedMs - committedMs) });
  }

  /** Of the events committed between two times. */
  between(fromMs: number, toMs = Infinity): readonly number[] {
    return this.delays
      .filter(({ committedMs }) => committedMs >= fromMs && committedMs < toMs)
      .map(({ delayMs }) => delayMs);
  }

  close(): Promise<void> {
    return this.#reader.stop();
  }
}

interface Lane {
  readonly client: pg.Client;
  readonly challenges: readonly string[];
  turn: number;
  last: Promise<void>;
}

export interface SteadyOptions {
  readonly url: string;
  /** Events in one transaction, each of another challenge and with a state beside. */
  readonly events: number;
  readonly connections?: number;
  /** Told each event whose commit was answered. */
  readonly committed?: (challengeId: string, sequence: number, committedMs: number) => void;
}

/**
 * Writers without any surprise: each connection has challenges of its own, so nobody waits for a lock, and each transaction
 * writes as many events. Whoever publishes them is woken as the trade service does it: after the commit, from another
 * connection, one notification under way at most.
 */
export class SteadyWriters {
  readonly challenges: readonly string[];
  readonly #sequences = new Map<string, number>();
  #turn = 0;
  #isNotifying = false;
  #isNotifyDue = false;

  private constructor(
    private readonly lanes: readonly Lane[],
    private readonly notifier: pg.Client,
    private readonly options: SteadyOptions,
  ) {
    this.challenges = lanes.flatMap(({ challenges }) => challenges);
  }

  static async open(options: SteadyOptions): Promise<SteadyWriters> {
    const { url, events, connections = 6 } = options;
    const perLane = 5 * events;
    const challenges = await WriterChallenges.create(url, connections * perLane);
    await challenges.close();
    const lanes = await Promise.all(
      Array.from({ length: connections }, async (_, index) => ({
        client: await connected(url),
        challenges: challenges.ids.slice(index * perLane, (index + 1) * perLane),
        turn: 0,
        last: Promise.resolve(),
      })),
    );
    return new SteadyWriters(lanes, await connected(url), options);
  }

  /** One transaction, behind those of its connection that wait. */
  write(): Promise<void> {
    const lane = this.lanes[(this.#turn += 1) % this.lanes.length]!;
    lane.last = lane.last.then(() => this.#writeOn(lane));
    return lane.last;
  }

  /** So many rows at once, events and states, visible in one moment and never told to anybody. */
  async writeAtOnce(rows: number): Promise<void> {
    const [{ client, challenges }] = this.lanes as [Lane];
    const steps = Math.ceil(rows / 2 / challenges.length);
    await client.query(SILENTLY, [challenges, EVENTS, STATE, PAYLOAD, steps, this.#take(challenges, steps)]);
    this.#wake();
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map(({ last }) => last));
    await Promise.all([...this.lanes.map(({ client }) => client.end()), this.notifier.end()]);
  }

  async #writeOn(lane: Lane): Promise<void> {
    const { events, committed } = this.options;
    const from = (lane.turn * events) % lane.challenges.length;
    lane.turn += 1;
    const some = lane.challenges.slice(from, from + events);
    const { rows } = await lane.client.query<{ stream: string; id: string; sequence: number }>({
      name: 'append',
      text: APPEND,
      values: [some, EVENTS, STATE, PAYLOAD, 1, this.#take(some, 1)],
    });
    const committedMs = nowMs();
    this.#wake();
    for (const { stream, id, sequence } of rows) if (stream === EVENTS) committed?.(id, sequence, committedMs);
  }

  /** So many numbers for each; what they follow. */
  #take(challenges: readonly string[], steps: number): readonly number[] {
    return challenges.map((id) => {
      const before = this.#sequences.get(id) ?? 0;
      this.#sequences.set(id, before + steps);
      return before;
    });
  }

  #wake(): void {
    if (this.#isNotifying) return void (this.#isNotifyDue = true);
    this.#isNotifying = true;
    this.#isNotifyDue = false;
    void this.notifier
      .query(`notify ${CHANNEL}`)
      .catch(() => undefined) // only a hint
      .finally(() => {
        this.#isNotifying = false;
        if (this.#isNotifyDue) this.#wake();
      });
  }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'steady-writer' });
  client.on('error', () => undefined); // told by the next statement
  await client.connect();
  return client;
}
