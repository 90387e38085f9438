const WINDOW_MS = 3_600_000;
const SAMPLES = 3_600;

/**
 * How fast something grows, by samples of its size over the last hour. What was taken away in between counts as no growth: the
 * question is how long it may go on when nothing is taken away any more.
 */
export class Growth {
  /** With what was added since the sample before. */
  readonly #samples: { readonly atMs: number; readonly added: number }[] = [];
  #size = 0;

  sample(atMs: number, size: number): void {
    this.#samples.push({ atMs, added: Math.max(0, size - this.#size) });
    this.#size = size;
    while (this.#samples.length > SAMPLES || this.#samples[0]!.atMs < atMs - WINDOW_MS) this.#samples.shift();
  }

  /** Undefined before the second sample. */
  get perHour(): number | undefined {
    const [first, ...later] = this.#samples;
    const last = later.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
    return (later.reduce((sum, { added }) => sum + added, 0) * 3_600_000) / (last.atMs - first.atMs);
  }
}
