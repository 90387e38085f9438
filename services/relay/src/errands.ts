/** Something to send that is no batch of the outbox. Done again from its beginning when it fails, so it must bear repetition. */
export type Errand = () => Promise<void>;

/**
 * Work of other stages for the leader's one stream of sends, done between two batches, one at a time and in order: what repairs
 * a topic must not overtake, or be overtaken by, what the outbox says.
 */
export class Errands {
  readonly #waiting: Errand[] = [];

  /** @param limit of errands that wait */
  constructor(private readonly limit = 100) {}

  /** Whoever finds it full keeps what it has and comes back later. */
  get isFull(): boolean {
    return this.#waiting.length >= this.limit;
  }

  add(errand: Errand): void {
    if (this.isFull) throw new RangeError(`${this.limit} errands wait already`);
    this.#waiting.push(errand);
  }

  /** Does the first one that waits; it stays the first when it fails. */
  async runFirst(): Promise<void> {
    const [first] = this.#waiting;
    if (first === undefined) return;
    await first();
    this.#waiting.shift();
  }
}
