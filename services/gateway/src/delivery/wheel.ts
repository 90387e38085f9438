import { inSlices } from '@tradesense/platform';

/** What is looked at about once a second. */
interface Swept {
  sweep(nowMs: number): void;
}

const SLOTS = 40;
const TURN_MS = 25;

/** Looks at a fortieth of all connections every 25 ms: none has a timer of its own, and what falls due is spread (pitfall S16). */
export class Wheel<Item extends Swept> {
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Item>());
  #next = 0;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly monotonicMs: () => number) {}

  start(): void {
    this.#timer ??= setInterval(() => this.#sweep(), TURN_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  add(item: Item): void {
    this.#slots[this.#next]?.add(item);
    this.#next = (this.#next + 1) % SLOTS;
  }

  remove(item: Item): void {
    this.#slots.some((slot) => slot.delete(item));
  }

  #sweep(): void {
    const { monotonicMs } = this;
    void inSlices(this.#slots[this.#turn] as Set<Item>, (item) => item.sweep(monotonicMs()), { monotonicMs });
    this.#turn = (this.#turn + 1) % SLOTS;
  }
}
