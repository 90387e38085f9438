import { SOCKET_EVENT } from '@tradesense/contracts';

import { frameFrom, storedAtMs, type Frame } from '../frame/index.js';
import { Arena, CELL_BYTES, CHUNK_BYTES, CHUNK_CELLS, NONE, chunkOf } from './arena.js';

/** What of a frame each of its first cells holds. Behind them are the bytes of its wire. */
const PREV = 0;
const SEQUENCE = 1;
const COMMITTED = 2;
const STORED = 3;
/** How long the wire is, times `NAMES.length`, and which of the names it has. */
const SHAPE = 4;
/** The places of the one before it in its ring, which may be gone, and of the one behind it, if there is one. */
const BEFORE = 5;
const BEHIND = 6;
/** Where it was remembered, if it ever was. */
const RECENT = 7;
/** The number of its ring. */
const RING = 8;
const HEADER_CELLS = 9;

const NAMES = Object.values(SOCKET_EVENT);
const EQUITY = NAMES.indexOf('equity_updated');

/** So many frames are remembered as they came, of all rings together: nearly always one of them is what is to be sent. */
const REMEMBERED = 128;

/**
 * The frames of all rings, as bytes in an arena: whatever they hold, it is no object to the garbage collector.
 *
 * Those of a ring lie one behind another in a chain of chunks, each at a place: the cell where it begins. Its first cells never
 * straddle two chunks; where a chunk has no space for them any more, they lie in the next one. Its wire may straddle any number.
 */
export class FrameStore {
  readonly #arena: Arena;
  readonly #recent: Frame[] = [];
  /** Where each of those lies, or lay: by that it is told from what is remembered there since. */
  readonly #places: number[] = [];
  #newest = 0;
  #rings = 0;
  #end = NONE;

  /** @param bytes what all rings together are to hold */
  constructor(bytes: number) {
    this.#arena = new Arena(bytes);
  }

  get bytes(): number {
    return this.#arena.bytes;
  }

  /** The last cell of the frame that was put last. */
  get end(): number {
    return this.#end;
  }

  /** The number of a new ring. */
  open(): number {
    this.#rings += 1;
    return this.#rings;
  }

  /**
   * @param last of its ring, behind which it comes, and that one's last cell; `NONE` if it is the first
   * @returns its place; `end` is its last cell
   */
  put({ prev, sequence, committed, stored, name, wire }: Frame, ring: number, last: number, end: number): number {
    const place = this.#placeBehind(end);
    // In the order of the cells, and nothing is behind it yet.
    const shape = wire.length * NAMES.length + NAMES.indexOf(name);
    this.#arena.setAll(place, [prev, sequence, committed, stored, shape, last, NONE, NONE, ring]);
    if (last !== NONE) this.#arena.set(last + BEHIND, place);
    let chunk = chunkOf(place);
    let cells = (place % CHUNK_CELLS) + HEADER_CELLS;
    let rest = this.#arena.write(chunk, cells, wire);
    cells += Math.ceil(wire.length / CELL_BYTES);
    for (; rest !== ''; cells -= CHUNK_CELLS) {
      chunk = this.#arena.extend(chunk);
      rest = this.#arena.write(chunk, 0, rest);
    }
    this.#end = chunk * CHUNK_CELLS + cells - 1;
    return place;
  }

  /** Puts one that will be asked for at once: it is remembered for a while. */
  push(frame: Frame, ring: number, last: number, end: number): number {
    const place = this.put(frame, ring, last, end);
    this.#newest = (this.#newest + 1) % REMEMBERED;
    this.#recent[this.#newest] = frame;
    this.#places[this.#newest] = place;
    this.#arena.set(place + RECENT, this.#newest);
    return place;
  }

  /**
   * As it was put; if it is not remembered, it is made again.
   * @throws Error where a frame of another ring lies: rooms share this memory, and nobody may be sent what is somebody else's
   */
  at(place: number, ring: number, epoch: number): Frame {
    if (this.#arena.get(place + RING) !== ring) throw new Error(`at ${place} there is no frame of ring ${ring}`);
    const recent = this.#arena.get(place + RECENT);
    const isRemembered = recent !== NONE && this.#places[recent] === place;
    return isRemembered ? (this.#recent[recent] as Frame) : this.#read(place, epoch);
  }

  prevOf(place: number): number {
    return this.#arena.get(place + PREV);
  }
  sequenceOf(place: number): number {
    return this.#arena.get(place + SEQUENCE);
  }
  storedAtMs(place: number): number {
    return storedAtMs({ stored: this.#arena.get(place + STORED) });
  }
  isEquity(place: number): boolean {
    return this.#arena.get(place + SHAPE) % NAMES.length === EQUITY;
  }
  /** Of its wire. */
  bytesOf(place: number): number {
    return Math.floor(this.#arena.get(place + SHAPE) / NAMES.length);
  }

  /** The place of the frame before; there has to be one. */
  before(place: number): number {
    return this.#arena.get(place + BEFORE);
  }
  /** The place of the frame behind; there has to be one. */
  behind(place: number): number {
    return this.#arena.get(place + BEHIND);
  }

  /** One that was put elsewhere has this one behind it now, and all that was behind it. */
  join(last: number, end: number, place: number): void {
    this.#arena.set(last + BEHIND, place);
    this.#arena.set(place + BEFORE, last);
    this.#arena.link(chunkOf(end), chunkOf(place));
  }

  /** What would be given back with all frames up to this one, and not before; `behind` as below. */
  costOf(place: number, behind: number): number {
    let bytes = 0;
    for (let chunk = chunkOf(place); chunk !== chunkOf(behind); chunk = this.#arena.behind(chunk)) bytes += CHUNK_BYTES;
    return bytes;
  }

  /**
   * Gives back the memory of a ring's frames up to the one at `behind`; if that is `NONE`, of all of them.
   * @param place of the ring's first
   */
  drop(place: number, behind: number): void {
    this.#arena.give(chunkOf(place), chunkOf(behind));
  }

  #read(place: number, epoch: number): Frame {
    const length = this.bytesOf(place);
    let chunk = chunkOf(place);
    let wire = this.#arena.read(chunk, (place % CHUNK_CELLS) + HEADER_CELLS, length);
    while (wire.length < length) {
      chunk = this.#arena.behind(chunk);
      wire += this.#arena.read(chunk, 0, length - wire.length);
    }
    const kept = {
      name: this.#nameOf(place),
      epoch,
      sequence: this.sequenceOf(place),
      committed: this.#arena.get(place + COMMITTED),
      stored: this.#arena.get(place + STORED),
    };
    return frameFrom(kept, this.prevOf(place), wire);
  }

  #nameOf(place: number): Frame['name'] {
    return NAMES[this.#arena.get(place + SHAPE) % NAMES.length] as Frame['name'];
  }

  #placeBehind(end: number): number {
    if (end === NONE) return this.#arena.take() * CHUNK_CELLS;
    return hasSpaceBehind(end) ? end + 1 : this.#arena.extend(chunkOf(end)) * CHUNK_CELLS;
  }
}

/** For the first cells of another frame, in the same chunk. */
const hasSpaceBehind = (cell: number): boolean => (cell % CHUNK_CELLS) + HEADER_CELLS < CHUNK_CELLS;
