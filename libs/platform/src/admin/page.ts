/** The first `limit` of many items by key, beyond `after`, in one look at each, of which few are kept at a time. */
export class Page<Item> {
  readonly #kept: { readonly key: string; readonly item: Item }[] = [];

  constructor(
    private readonly after: string,
    private readonly limit: number,
  ) {}

  offer(key: string, item: () => Item): void {
    if (key <= this.after) return;
    this.#kept.push({ key, item: item() });
    if (this.#kept.length >= 2 * this.limit) this.#shorten();
  }

  get items(): readonly Item[] {
    this.#shorten();
    return this.#kept.map(({ item }) => item);
  }

  #shorten(): void {
    this.#kept.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#kept.length = Math.min(this.#kept.length, this.limit);
  }
}
