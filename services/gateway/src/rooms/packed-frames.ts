import { SOCKET_EVENT } from '@tradesense/contracts';

import type { Frame } from '../frame/index.js';

const NAMES = Object.values(SOCKET_EVENT);
const EQUITY = NAMES.indexOf('equity_updated');

// Of each frame, before the bytes of its wire.
const SIZE = 0;
const TEXT_AT = 4;
const NAME = 5;
const PREV = 6;
const SEQUENCE = 14;
const COMMITTED = 22;
const STORED = 30;
const HEAD = 38;

/** Of a frame in `#places`, which grows in steps. */
const PLACE_BYTES = 16;
/** Room for so much more than is needed. */
const SPARE = 1.5;
/** With less of it in use what is left is moved to the front, instead of into more memory. */
const SPARSE = 1 / SPARE;

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Frames of one epoch, oldest first, one behind the other in one piece of memory that is used again and again. As objects, kept for
 * seconds or minutes, they were what each collection of the old generation had to walk over and what filled it anew: the gateway
 * then was late by 100 ms every few seconds (decision 014). So a frame is an object only while somebody is sent it.
 */
export class PackedFrames {
  #bytes: Buffer = NOTHING;
  /** Where each frame begins. */
  #places: number[] = [];
  #end = 0;

  constructor(private readonly epoch: number) {}

  get length(): number {
    return this.#places.length;
  }
  /** All memory that it takes. */
  get cost(): number {
    return this.#bytes.length + this.#places.length * PLACE_BYTES;
  }
  /** Of all wires. */
  get wireBytes(): number {
    return this.#end - this.#begin - this.#places.length * HEAD;
  }

  at(index: number): Frame | undefined {
    const place = this.#places[index];
    if (place === undefined) return undefined;
    const bytes = this.#bytes;
    const begin = place + HEAD;
    return {
      name: NAMES[bytes[place + NAME] as number] as Frame['name'],
      epoch: this.epoch,
      sequence: bytes.readDoubleLE(place + SEQUENCE),
      prev: bytes.readDoubleLE(place + PREV),
      committedAtMs: bytes.readDoubleLE(place + COMMITTED),
      storedAtMs: bytes.readDoubleLE(place + STORED),
      wire: bytes.toString('latin1', begin, begin + bytes.readUInt32LE(place + SIZE)),
      textAt: bytes[place + TEXT_AT] as number,
    };
  }

  // Of the frame at an index that there is, without making it one.

  prevAt(index: number): number {
    return this.#bytes.readDoubleLE((this.#places[index] as number) + PREV);
  }
  sequenceAt(index: number): number {
    return this.#bytes.readDoubleLE((this.#places[index] as number) + SEQUENCE);
  }
  storedAtMsAt(index: number): number {
    return this.#bytes.readDoubleLE((this.#places[index] as number) + STORED);
  }
  wireBytesAt(index: number): number {
    return this.#bytes.readUInt32LE((this.#places[index] as number) + SIZE);
  }
  /** What of `cost` it makes, at least. */
  costAt(index: number): number {
    return this.wireBytesAt(index) + HEAD + PLACE_BYTES;
  }
  isEquityAt(index: number): boolean {
    const place = this.#places[index];
    return place !== undefined && this.#bytes[place + NAME] === EQUITY;
  }

  push(frame: Frame): void {
    this.#makeSpace(HEAD + frame.wire.length);
    this.#write(frame);
  }

  dropFirst(count: number): void {
    this.#places.splice(0, count);
    if (this.#places.length === 0) this.clear();
  }

  /** @param frames which all together are not longer than the first `count` are */
  replaceFirst(count: number, frames: readonly Frame[]): void {
    const rest = this.#places.splice(count);
    const restAt = rest[0] ?? this.#end;
    const end = this.#end;
    this.#end = this.#begin;
    this.#places = [];
    for (const frame of frames) this.#write(frame);
    this.#bytes.copyWithin(this.#end, restAt, end);
    const by = restAt - this.#end;
    for (const place of rest) this.#places.push(place - by);
    this.#end = end - by;
  }

  /** Gives back what is not in use. */
  fit(): void {
    if (this.#places.length > 0) this.#moveInto(Buffer.allocUnsafeSlow(this.#end - this.#begin));
  }
  get isSparse(): boolean {
    return 2 * (this.#end - this.#begin) < this.#bytes.length;
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.#places = [];
    this.#end = 0;
  }

  get #begin(): number {
    return this.#places[0] ?? 0;
  }

  #makeSpace(size: number): void {
    if (this.#end + size <= this.#bytes.length) return;
    const needed = this.#end - this.#begin + size;
    if (needed <= this.#bytes.length * SPARSE) return this.#moveInto(this.#bytes);
    const isFirst = this.#places.length === 0; // and of many rooms the only one
    this.#moveInto(Buffer.allocUnsafeSlow(isFirst ? size : Math.ceil(needed * SPARE)));
  }

  #moveInto(bytes: Buffer): void {
    const begin = this.#begin;
    this.#bytes.copy(bytes, 0, begin, this.#end);
    this.#bytes = bytes;
    this.#end -= begin;
    for (let index = 0; begin > 0 && index < this.#places.length; index += 1) (this.#places[index] as number) -= begin;
  }

  #write({ name, sequence, prev, committedAtMs, storedAtMs, wire, textAt }: Frame): void {
    const bytes = this.#bytes;
    const place = this.#end;
    bytes.writeUInt32LE(wire.length, place + SIZE);
    bytes[place + TEXT_AT] = textAt;
    bytes[place + NAME] = NAMES.indexOf(name);
    bytes.writeDoubleLE(prev, place + PREV);
    bytes.writeDoubleLE(sequence, place + SEQUENCE);
    bytes.writeDoubleLE(committedAtMs, place + COMMITTED);
    bytes.writeDoubleLE(storedAtMs, place + STORED);
    bytes.write(wire, place + HEAD, 'latin1');
    this.#places.push(place);
    this.#end = place + HEAD + wire.length;
  }
}
