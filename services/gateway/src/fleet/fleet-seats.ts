import type { UserId } from '@tradesense/contracts';
import { Breaker, type BreakerState, type Clock, type Part } from '@tradesense/platform';

import { Seats, type Leave, type UserSeats } from '../access/index.js';
import { SHARDS, placeOf, type Place } from './place.js';
import type { RedisRegister } from './redis-register.js';

/** What is counted; nothing here changes what happens. */
export interface FleetSignals {
  /** A seat was asked for, and looked for on all gateways, or on this one alone. */
  seat(looked: 'everywhere' | 'here'): void;
}

export interface FleetSeatsOptions {
  readonly register: RedisRegister;
  /** Connections of one user; more than 0. */
  readonly limit: number;
  readonly clock: Clock;
  readonly signals: FleetSignals;
  /** Told how it stands with Redis. */
  readonly breaker: (state: BreakerState, error?: unknown) => void;
}

const BETWEEN_WRITINGS_MS = 3_000;
/** While Redis is away: nobody waits for these. */
const BETWEEN_TRIALS_MS = 1_000;
const FAILURES = 3;

/**
 * Each gateway knows how many connections of a user it has itself; that is the truth, and Redis holds a copy of it for the others
 * to add up. So whatever happens to Redis, nothing has to be reconciled:
 *   - a gateway writes counts, never increments: a write that is lost, late or done twice leaves no trace after the next one;
 *   - it writes all its counts anew every 3 s, in place of what was there. A Redis that restarted empty, that was restored from
 *     an old copy, or whose replica took over with less than all, is right again after one such round of every gateway;
 *   - what is not written again expires after 10 s: so long a gateway that was killed holds its users' seats;
 *   - where Redis fails or does not answer a handshake in 250 ms, what this gateway has itself decides. After three failures in a
 *     row handshakes do not even ask, and the rounds find out when it is back.
 * Connections that came in meanwhile stay: a limit refuses, it does not throw anybody out.
 */
export class FleetSeats implements UserSeats, Part {
  readonly name = 'fleet';
  readonly #shards: readonly Seats[];
  readonly #breaker: Breaker;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(private readonly options: FleetSeatsOptions) {
    const { limit, clock, breaker } = options;
    this.#shards = Array.from({ length: SHARDS }, () => new Seats(limit));
    this.#breaker = new Breaker({
      failures: FAILURES,
      openMs: BETWEEN_TRIALS_MS / 2,
      clock,
      changed: breaker,
    });
  }

  async start(): Promise<void> {
    await this.options.register.open();
    if (!this.#stopped.signal.aborted) this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.options.register.close();
  }

  async take(userId: UserId): Promise<Leave | undefined> {
    const place = placeOf(userId);
    const vacate = this.#seats(place).take(place.field);
    if (vacate === undefined) return undefined;
    const leave = (): void => {
      vacate();
      this.#tell(place);
    };
    if (await this.#isGranted(place)) return leave;
    leave();
    return undefined;
  }

  async #isGranted(place: Place): Promise<boolean> {
    const { register, limit, signals } = this.options;
    if (this.#breaker.state === 'closed')
      try {
        const isGranted = await this.#breaker.run(() => register.claim(place, this.#countOf(place), limit));
        signals.seat('everywhere');
        return isGranted;
      } catch {
        // The breaker has seen it; this gateway's own count, taken before, stands.
      }
    signals.seat('here');
    return true;
  }

  /** What does not arrive is written with all the rest. */
  #tell(place: Place): void {
    if (this.#breaker.state !== 'closed') return;
    this.#breaker.run(() => this.options.register.put(place, this.#countOf(place))).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const isWritten = await this.#writeAll();
      await this.options.clock.sleep(isWritten ? BETWEEN_WRITINGS_MS : BETWEEN_TRIALS_MS, signal);
    }
  }

  async #writeAll(): Promise<boolean> {
    try {
      for (const [shard, { counts }] of this.#shards.entries())
        await this.#breaker.run(() => this.options.register.putAll(shard, counts));
      return true;
    } catch {
      return false; // the breaker has seen it
    }
  }

  #seats({ shard }: Place): Seats {
    const seats = this.#shards[shard];
    if (seats === undefined) throw new RangeError(`there is no shard ${shard}`);
    return seats;
  }

  #countOf(place: Place): number {
    return this.#seats(place).counts.get(place.field) ?? 0;
  }
}
