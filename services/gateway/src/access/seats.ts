/** Counts by key, up to a limit; 0 is no limit. */
export class Seats {
  readonly #taken = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /** @returns how to give it back, which may be done twice; undefined: there is none left */
  take(key: string): (() => void) | undefined {
    const taken = this.#taken.get(key) ?? 0;
    if (this.limit > 0 && taken >= this.limit) return undefined;
    this.#taken.set(key, taken + 1);
    let isTaken = true;
    return () => {
      if (isTaken) this.#giveBack(key);
      isTaken = false;
    };
  }

  get size(): number {
    return this.#taken.size;
  }

  #giveBack(key: string): void {
    const taken = this.#taken.get(key) ?? 0;
    if (taken > 1) this.#taken.set(key, taken - 1);
    else this.#taken.delete(key);
  }
}
