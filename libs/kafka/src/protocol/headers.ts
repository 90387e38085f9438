import { ByteReader } from './bytes.js';

/** The names of a record's headers in their order. */
interface Names {
  readonly bytes: readonly Buffer[];
  /** Of each name its last place. */
  readonly places: ReadonlyMap<string, number>;
  /** As long as the contents will be: copied, it need not grow. */
  readonly blank: readonly number[];
}

/**
 * Of the record read last: a topic's records have the same headers nearly always, so that a name's bytes are compared and neither
 * decoded nor looked up again.
 */
let known: Names = { bytes: [], places: new Map(), blank: [] };

/** Walks over a record's headers, all of them, lest one that is broken be noticed only by whoever wants it. */
export function headersOf(reader: ByteReader): ReadonlyMap<string, string> {
  const begin = reader.at;
  const count = Math.max(0, reader.varint());
  /** Of each header where its content begins and how long it is; negative: it has none. */
  const contents = known.blank.slice();
  let isKnown = count === known.bytes.length;
  for (let place = 0; place < count; place += 1) {
    const nameLength = reader.varint();
    const nameAt = reader.skip(nameLength);
    if (isKnown) {
      const expected = known.bytes[place] as Buffer;
      isKnown = expected.length === nameLength && reader.holds(expected, nameAt);
    }
    const length = reader.varint();
    contents[2 * place] = length < 0 ? 0 : reader.skip(length);
    contents[2 * place + 1] = length;
  }
  if (!isKnown) known = namesFrom(new ByteReader(reader.buffer.subarray(begin)));
  return new Headers(known.places, contents, reader.buffer);
}

/** Walks over them once more. */
function namesFrom(reader: ByteReader): Names {
  const bytes: Buffer[] = [];
  const places = new Map<string, number>();
  for (let left = reader.varint(); left > 0; left -= 1) {
    const name = Buffer.from(reader.bytes(reader.varint())); // not the whole answer with it
    places.set(name.toString('utf8'), bytes.push(name) - 1);
    const length = reader.varint();
    if (length > 0) reader.skip(length);
  }
  return { bytes, places, blank: bytes.flatMap(() => [0, 0]) };
}

/** What is looked up is made a text then, and nothing else is. */
class Headers implements ReadonlyMap<string, string> {
  constructor(
    private readonly places: ReadonlyMap<string, number>,
    private readonly contents: readonly number[],
    private readonly buffer: Buffer,
  ) {}

  get(name: string): string | undefined {
    const place = this.places.get(name);
    if (place === undefined) return undefined;
    const from = this.contents[2 * place] as number;
    const length = this.contents[2 * place + 1] as number;
    return length < 0 ? undefined : this.buffer.toString('utf8', from, from + length);
  }
  has(name: string): boolean {
    const place = this.places.get(name);
    return place !== undefined && (this.contents[2 * place + 1] as number) >= 0;
  }
  get size(): number {
    return [...this.keys()].length;
  }
  *keys(): MapIterator<string> {
    for (const name of this.places.keys()) if (this.has(name)) yield name;
  }
  *values(): MapIterator<string> {
    for (const [, content] of this) yield content;
  }
  *[Symbol.iterator](): MapIterator<[string, string]> {
    for (const name of this.keys()) yield [name, this.get(name) as string];
  }
  entries(): MapIterator<[string, string]> {
    return this[Symbol.iterator]();
  }
  forEach(call: (content: string, name: string, headers: ReadonlyMap<string, string>) => void): void {
    for (const [name, content] of this) call(content, name, this);
  }
}
