import type { Clock } from '@tradesense/platform';

/** The database's clock, carried on by our monotonic one: ages and watermarks compare with times that PostgreSQL wrote. */
export class DatabaseClock {
  #offsetMs: number | undefined;

  constructor(private readonly clock: Clock) {}

  /** @param sentAtMs our monotonic clock when the statement was sent, so that the estimate never runs ahead */
  observe(databaseTime: string, sentAtMs: number): void {
    this.#offsetMs = Date.parse(databaseTime) - sentAtMs;
  }

  /** Milliseconds since 1970; our own clock as long as the database has not been heard. */
  now(): number {
    return this.#offsetMs === undefined ? this.clock.now() : this.#offsetMs + this.clock.monotonicMs();
  }

  /** Age of something the database dated, never negative: the two clocks agree to a round trip only. */
  ageMs(databaseTime: string): number {
    return Math.max(0, this.now() - Date.parse(databaseTime));
  }
}
