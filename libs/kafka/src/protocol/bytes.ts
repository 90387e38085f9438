/** Reads Kafka's primitive types from a buffer, big-endian, without copying. Throws RangeError where the bytes end early. */
export class ByteReader {
  #at = 0;

  constructor(readonly buffer: Buffer) {}

  /** How many bytes were read; the next one is there. */
  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.buffer.length - this.#at;
  }

  int8(): number {
    return this.buffer.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#advance(4));
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.#advance(8));
  }

  /** Zigzag, up to 32 bits. */
  varint(): number {
    let bits = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1);
    }
    throw new RangeError('a varint is longer than five bytes');
  }

  /** Zigzag, up to 64 bits; exact below 2^53, which every timestamp is. */
  varlong(): number {
    let bits = 0;
    for (let factor = 1, length = 0; length < 10; factor *= 128, length += 1) {
      const byte = this.#byte();
      bits += (byte & 0x7f) * factor;
      if (byte < 0x80) return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2;
    }
    throw new RangeError('a varlong is longer than ten bytes');
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    const from = this.#advance(length);
    return this.buffer.subarray(from, from + length);
  }

  text(length: number): string {
    const from = this.#advance(length);
    return this.buffer.toString('utf8', from, from + length);
  }

  string(): string {
    return this.text(this.int16());
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.text(length);
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.bytes(length);
  }

  array<T>(item: () => T): T[] {
    const length = this.int32();
    const items: T[] = [];
    for (let index = 0; index < length; index += 1) items.push(item());
    return items;
  }

  /** Passes over so many bytes. @returns where they begin */
  skip(length: number): number {
    return this.#advance(length);
  }

  /** Whether these bytes lie at that place, which was passed over. */
  holds(bytes: Buffer, from: number): boolean {
    for (let index = 0; index < bytes.length; index += 1) if (bytes[index] !== this.buffer[from + index]) return false;
    return true;
  }

  #byte(): number {
    return this.buffer[this.#advance(1)] as number;
  }

  #advance(length: number): number {
    const from = this.#at;
    if (length < 0 || from + length > this.buffer.length) throw new RangeError('the bytes end early');
    this.#at += length;
    return from;
  }
}

/** Writes Kafka's primitive types, big-endian, into one buffer that grows. */
export class ByteWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  /** How many bytes are written; the next one goes there. */
  get at(): number {
    return this.#at;
  }

  int8(value: number): this {
    this.reserve(1).writeInt8(value, this.#advance(1));
    return this;
  }

  int16(value: number): this {
    this.reserve(2).writeInt16BE(value, this.#advance(2));
    return this;
  }

  int32(value: number): this {
    this.reserve(4).writeInt32BE(value, this.#advance(4));
    return this;
  }

  int64(value: bigint): this {
    this.reserve(8).writeBigInt64BE(value, this.#advance(8));
    return this;
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    this.int16(length).reserve(length).write(value, this.#advance(length));
    return this;
  }

  array<T>(items: readonly T[], item: (value: T) => void): this {
    this.int32(items.length);
    items.forEach(item);
    return this;
  }

  /** The buffer, with room for so many bytes behind `at`: whoever writes them by itself says with `moveTo` where it ended. */
  reserve(bytes: number): Buffer {
    const needed = this.#at + bytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#at);
      this.#buffer = larger;
    }
    return this.#buffer;
  }

  moveTo(at: number): void {
    this.#at = at;
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #advance(length: number): number {
    const from = this.#at;
    this.#at += length;
    return from;
  }
}

/** Several questions about one topic travel under its name, in the order of their first mention. */
export function byTopic<T extends { readonly topic: string }>(questions: readonly T[]): [string, readonly T[]][] {
  const topics = new Map<string, T[]>();
  for (const question of questions) {
    const known = topics.get(question.topic);
    if (known === undefined) topics.set(question.topic, [question]);
    else known.push(question);
  }
  return [...topics];
}
