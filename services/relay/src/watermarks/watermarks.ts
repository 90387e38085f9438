import type { Topics, Watermark } from '@tradesense/contracts';
import type { Ends, Publisher } from '@tradesense/kafka';
import { faultOf, type Logger } from '@tradesense/platform';

import type { DatabaseClock } from '../database/index.js';
import { Wake } from '../wake/index.js';

export interface WatermarkOptions {
  /** Its own, so that a backlog's sends don't delay what says how far behind they are. */
  readonly publisher: Publisher;
  readonly topics: Topics;
  readonly everyMs: number;
  readonly generation: bigint;
  readonly databaseClock: DatabaseClock;
  readonly log: Logger;
  readonly mustBeTrusted: () => void;
  /** Challenges of which events are held back. */
  readonly parked: () => readonly string[];
  /** Where the brokers' logs ended after the lease was taken: of what earlier leaders sent, nothing lies behind. */
  readonly ends: Ends;
}

/** So many are named one by one. */
const MOST_PARKED = 100;

export interface Acknowledged {
  readonly floor: bigint;
  readonly asOf: string;
  readonly ends: Ends;
}

/**
 * Says every second how much of the outbox Kafka has: everything committed before `as_of` lies below `ends` (design 6.5). It only
 * speaks of what was acknowledged before, so a watermark may be late but never wrong; without news it repeats itself, and as_of
 * standing still is the news.
 */
export class Watermarks {
  readonly #ends = new Map<string, Map<number, bigint>>();
  readonly #due = new Wake();
  #floor = 0n;
  #asOf: string | undefined;

  constructor(private readonly options: WatermarkOptions) {
    this.raise(options.ends);
  }

  /** Undefined before the first acknowledgement. */
  get asOf(): string | undefined {
    return this.#asOf;
  }

  acknowledged({ floor, asOf, ends }: Acknowledged): void {
    const isFirst = this.#asOf === undefined;
    this.raise(ends);
    this.#floor = floor;
    // What was true stays true, also when a batch of late rows knows less. Texts of one width compare like times.
    if (this.#asOf === undefined || asOf > this.#asOf) this.#asOf = asOf;
    if (isFirst) this.#due.now();
  }

  /** One at once after the first acknowledgement, then on and on. */
  async run(signal: AbortSignal): Promise<void> {
    const { publisher, topics, everyMs, log } = this.options;
    let isFailing = false;
    while (!signal.aborted) {
      await this.#due.orAfter(everyMs, signal);
      if (this.#asOf === undefined || signal.aborted) continue;
      try {
        const value = Buffer.from(JSON.stringify(this.#watermark(this.#asOf)));
        this.options.mustBeTrusted();
        await publisher.send([{ topic: topics.watermarks.name, records: [{ key: null, value, headers: {} }] }], signal);
        isFailing = false;
      } catch (error) {
        const fault = faultOf(error);
        if (fault.remedy === 'stop') throw fault;
        if (!isFailing && !signal.aborted) log.warn({ err: fault }, 'watermark not sent');
        isFailing = true;
      }
    }
  }

  #watermark(asOf: string): Watermark {
    const { topics, generation, databaseClock } = this.options;
    const parked = this.options.parked();
    return {
      at: new Date(databaseClock.now()).toISOString(),
      as_of: asOf,
      floor: String(this.#floor),
      generation: Number(generation),
      parked: parked.length > MOST_PARKED ? 'many' : [...parked],
      ends: { events: this.#endsOf(topics.events), state: this.#endsOf(topics.state) },
    };
  }

  #endsOf({ name, partitions }: Topics['events']): string[] {
    const ends = this.#ends.get(name);
    return Array.from({ length: partitions }, (_, partition) => String(ends?.get(partition) ?? 0n));
  }

  /** Something else was acknowledged up to here: it lies below every later watermark too. */
  raise(ends: Ends): void {
    for (const [topic, partitions] of ends) {
      const known = this.#ends.get(topic) ?? new Map<number, bigint>();
      for (const [partition, end] of partitions) if (end > (known.get(partition) ?? 0n)) known.set(partition, end);
      this.#ends.set(topic, known);
    }
  }
}
