import type { UserId } from '@tradesense/contracts';

/** Gives a seat back; may be called twice. */
export type Leave = () => void;

/** The connections of each user, wherever they are counted. */
export interface UserSeats {
  /** Undefined: there is none left. Never rejects: who counts elsewhere counts here while that is away. */
  take(userId: UserId): Promise<Leave | undefined>;
}

/** Counted in this process alone. */
export function localUserSeats(limit: number): UserSeats {
  const seats = new Seats(limit);
  return { take: (userId) => Promise.resolve(seats.take(userId)) };
}

/** Counts by key, up to a limit; 0 is no limit. */
export class Seats {
  readonly #taken = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /** Undefined: there is none left. */
  take(key: string): Leave | undefined {
    if (!this.occupy(key)) return undefined;
    let isTaken = true;
    return () => {
      if (isTaken) this.vacate(key);
      isTaken = false;
    };
  }

  /** For whoever sees to it himself that each seat is given back once. */
  occupy(key: string): boolean {
    const taken = this.#taken.get(key) ?? 0;
    if (this.limit > 0 && taken >= this.limit) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }

  get size(): number {
    return this.#taken.size;
  }
  get counts(): ReadonlyMap<string, number> {
    return this.#taken;
  }

  vacate(key: string): void {
    const taken = this.#taken.get(key) ?? 0;
    if (taken > 1) this.#taken.set(key, taken - 1);
    else this.#taken.delete(key);
  }
}
