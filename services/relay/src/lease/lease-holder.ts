import { Fault, type Clock, type Logger } from '@tradesense/platform';

import { databaseFault, type Session } from '../database/index.js';
import { signals } from '../signals.js';
import { afterExtend, isTrusted, standbyMs, taken, type Held, type Lease } from './lease.js';
import {
  RELEASED,
  extendLease,
  readLease,
  releaseLease,
  takeLease,
  type DrawnRow,
  type LeaseRow,
  type Mine,
  type TakenRow,
} from './statements.js';

export interface LeaseOptions {
  /** A connection of its own, so that an extension never waits behind a read. */
  readonly session: Pick<Session, 'query' | 'listen'>;
  readonly owner: string;
  readonly leaseMs: number;
  readonly saveMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One try at leading: takes the lease once, keeps it, and ends with it. The rules are in lease.ts. */
export class LeaseHolder {
  readonly #lost = new AbortController();
  #lease: Lease = { is: 'vacant' };
  #sentAtMs = 0;
  #floor = 0n;
  #savedFloor = 0n;
  #drawn = 0n;

  constructor(private readonly options: LeaseOptions) {}

  /** Aborted with a fault once the lease is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get generation(): bigint | undefined {
    return this.#lease.is === 'held' ? this.#lease.generation : undefined;
  }

  /** Up to here Kafka has everything; what is saved follows. */
  get floor(): bigint {
    return this.#floor;
  }

  /** The last position that any writer had drawn at the last extension. */
  get drawn(): bigint {
    return this.#drawn;
  }

  /** How long the lease is still trusted without an extension; negative once it is not. */
  get marginMs(): number {
    return this.#lease.is === 'held' ? this.#lease.trustedUntilMs - this.options.clock.monotonicMs() : -Infinity;
  }

  /** Stands by until the lease is ours. */
  async take(signal: AbortSignal): Promise<void> {
    const { session, owner, leaseMs, clock, log } = this.options;
    let askAgain = new AbortController();
    signal.addEventListener('abort', () => askAgain.abort(), { once: true });
    await session.listen(RELEASED, () => askAgain.abort());
    for (let isNews = true; ; isNews = false) {
      askAgain = new AbortController(); // before asking, so that a release in between is not missed
      signal.throwIfAborted();
      const sentAtMs = clock.monotonicMs();
      const [row] = await session.query<TakenRow>(takeLease(owner, leaseMs));
      if (row !== undefined) return this.#took(row, sentAtMs);
      const [lease] = await session.query<LeaseRow>(readLease);
      if (lease === undefined) throw new Fault('relay-row-missing', 'wait', 'the table relay has no row named outbox');
      if (isNews) log.info({ owner: lease.owner }, 'standing by');
      await clock.sleep(standbyMs(lease.remaining_ms, leaseMs), askAgain.signal);
    }
  }

  /** Immediately before each send: throws when the lease is not, or no longer surely, ours. */
  mustBeTrusted(): void {
    this.lost.throwIfAborted();
    if (isTrusted(this.#lease, this.options.clock.monotonicMs())) return;
    throw this.#lose({ is: 'lost', why: 'expired' });
  }

  /** Kafka has everything up to here. */
  acknowledged(floor: bigint): void {
    if (floor > this.#floor) this.#floor = floor;
  }

  /** Extends at a third, and saves at most every `saveMs`, until the lease is lost or the signal ends it. */
  async keep(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.lost]);
    while (!ended.aborted && this.#lease.is === 'held') {
      await this.options.clock.sleep(Math.min(this.options.saveMs, this.#dueInMs()), ended);
      if (!ended.aborted && this.#dueInMs() <= 0) await this.#extend(this.#lease);
    }
  }

  /** Saves and lets the next one in at once; does nothing unless the lease is held. */
  async handOver(): Promise<void> {
    if (this.#lease.is !== 'held') return;
    const { generation } = this.#lease;
    this.#lease = { is: 'released' };
    try {
      const rows = await this.options.session.query(releaseLease(this.#mine(generation)));
      if (rows.length > 0) this.#saved(this.#floor);
      this.options.log.info({ generation: String(generation), floor: String(this.#floor) }, 'lease handed over');
    } catch (err) {
      this.options.log.warn({ err }, 'lease not handed over: it runs out by itself');
    }
  }

  #took({ generation, floor, drawn }: TakenRow, sentAtMs: number): void {
    this.#drawn = BigInt(drawn);
    this.#sentAtMs = sentAtMs;
    this.#floor = this.#savedFloor = BigInt(floor);
    this.#lease = taken(BigInt(generation), sentAtMs, this.options.leaseMs);
    this.options.log.info({ generation, floor }, 'lease taken');
    signals.leaseTaken.publish({ generation: BigInt(generation), floor: this.#floor });
  }

  #dueInMs(): number {
    const { saveMs, leaseMs, clock } = this.options;
    const everyMs = this.#floor > this.#savedFloor ? Math.min(saveMs, leaseMs / 3) : leaseMs / 3;
    return this.#sentAtMs + everyMs - clock.monotonicMs();
  }

  async #extend(held: Held): Promise<void> {
    const { session, leaseMs, clock } = this.options;
    const sentAtMs = clock.monotonicMs();
    const mine = this.#mine(held.generation);
    try {
      const rows = await session.query<DrawnRow>(extendLease(mine, leaseMs));
      this.#drawn = BigInt(rows[0]?.drawn ?? this.#drawn);
      if (this.#lease.is !== 'held') return; // lost, or handed over, while the statement was on its way
      const next = afterExtend(held, rows.length > 0, sentAtMs, leaseMs);
      if (next.is === 'lost') this.#lose(next);
      else {
        this.#lease = next;
        this.#sentAtMs = sentAtMs;
        this.#saved(mine.floor);
      }
    } catch (error) {
      this.#lost.abort(databaseFault(error));
    }
  }

  #mine(generation: bigint): Mine {
    return { owner: this.options.owner, generation, floor: this.#floor };
  }

  #saved(floor: bigint): void {
    if (floor === this.#savedFloor) return;
    this.#savedFloor = floor;
    signals.saved.publish({ floor });
  }

  /** The only way to `lost`. */
  #lose(lost: Extract<Lease, { is: 'lost' }>): Fault {
    const generation = this.generation;
    this.#lease = lost;
    const fault = new Fault(
      'lease-lost',
      'wait',
      `the lease is ${lost.why === 'taken' ? "another's" : 'not trusted any more'}`,
    );
    this.options.log.warn({ generation: String(generation), why: lost.why }, 'lease lost');
    signals.leaseLost.publish({ generation, why: lost.why });
    this.#lost.abort(fault);
    return fault;
  }
}
