/** Memory is spoken of in cells of eight bytes, a number each, 16 GiB of them; `chunk * CHUNK_CELLS` is a chunk's first cell. */
export const CELL_BYTES = 8;
export const CHUNK_BYTES = 1024;
export const CHUNK_CELLS = CHUNK_BYTES / CELL_BYTES;
/** No chunk, and no cell. */
export const NONE = -1;

const SLAB_CHUNKS = 4096;
const SLAB_BYTES = SLAB_CHUNKS * CHUNK_BYTES;
const SLAB_CELLS = SLAB_BYTES / CELL_BYTES;

interface Slab {
  readonly bytes: Buffer;
  /** The same memory, cell by cell. */
  readonly cells: Float64Array;
  /** Of each chunk the one behind it, in its chain or among those that are free. */
  readonly behind: Int32Array;
}

/**
 * Memory for all rings: chunks, each in one chain or free.
 *
 * V8 counts Buffers as foreign memory and collects garbage whenever that grows. So all that is to be held is taken at the start,
 * and never given back; the system gives it once it is written to. What a chain gives up the next one takes, the last first, since
 * it is in the processor's cache. Where that is not enough, more is taken.
 */
export class Arena {
  readonly #slabs: Slab[] = [];
  #free = NONE;
  #taken = 0;

  /** @param bytes what is to be held */
  constructor(bytes: number) {
    while (this.#slabs.length * SLAB_BYTES < bytes) this.#grow();
  }

  /** Of the chunks that are taken. */
  get bytes(): number {
    return this.#taken * CHUNK_BYTES;
  }

  /** Begins a chain. */
  take(): number {
    if (this.#free === NONE) this.#grow();
    const chunk = this.#free;
    this.#free = this.behind(chunk);
    this.link(chunk, NONE);
    this.#taken += 1;
    return chunk;
  }

  /** @param last of its chain */
  extend(last: number): number {
    const chunk = this.take();
    this.link(last, chunk);
    return chunk;
  }

  /** The one chunk has the other behind it now, and whatever is behind that. */
  link(chunk: number, behind: number): void {
    this.#slabOf(chunk).behind[chunk % SLAB_CHUNKS] = behind;
  }

  behind(chunk: number): number {
    return this.#slabOf(chunk).behind[chunk % SLAB_CHUNKS] as number;
  }

  /**
   * A chain's beginning, up to the chunk that stays its first; all of it if that is `NONE`.
   * @throws Error where that one is not in the chain
   */
  give(first: number, stays: number): void {
    for (let chunk = first; chunk !== stays;) {
      if (chunk === NONE) throw new Error(`chunk ${stays} is not in the chain that begins with ${first}`);
      const behind = this.behind(chunk);
      this.link(chunk, this.#free);
      this.#free = chunk;
      this.#taken -= 1;
      chunk = behind;
    }
  }

  set(cell: number, value: number): void {
    this.#slabOf(chunkOf(cell)).cells[cell % SLAB_CELLS] = value;
  }

  /** One number a cell, from this one on; all of one chunk. */
  setAll(cell: number, values: readonly number[]): void {
    const { cells } = this.#slabOf(chunkOf(cell));
    const first = cell % SLAB_CELLS;
    for (let index = 0; index < values.length; index += 1) cells[first + index] = values[index] as number;
  }

  get(cell: number): number {
    return whole(this.#slabOf(chunkOf(cell)).cells[cell % SLAB_CELLS] as number);
  }

  /**
   * As much of a text, a byte a character, as the chunk has space for behind so many cells.
   * @returns the rest
   */
  write(chunk: number, behindCells: number, text: string): string {
    const space = CHUNK_BYTES - behindCells * CELL_BYTES;
    this.#slabOf(chunk).bytes.write(text, startOf(chunk, behindCells), space, 'latin1');
    return text.slice(space);
  }

  /** So many bytes, or as many as the chunk has. */
  read(chunk: number, behindCells: number, length: number): string {
    const space = CHUNK_BYTES - behindCells * CELL_BYTES;
    const start = startOf(chunk, behindCells);
    return this.#slabOf(chunk).bytes.toString('latin1', start, start + Math.min(length, space));
  }

  #slabOf(chunk: number): Slab {
    return this.#slabs[(chunk / SLAB_CHUNKS) | 0] as Slab;
  }

  #grow(): void {
    const first = this.#slabs.length * SLAB_CHUNKS;
    const bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
    const behind = Int32Array.from({ length: SLAB_CHUNKS }, (_, index) => first + index + 1);
    behind[SLAB_CHUNKS - 1] = this.#free;
    this.#slabs.push({ bytes, cells: new Float64Array(bytes.buffer), behind });
    this.#free = first;
  }
}

/** In bytes of its slab. */
const startOf = (chunk: number, cells: number): number => (chunk % SLAB_CHUNKS) * CHUNK_BYTES + cells * CELL_BYTES;

/** Of a cell; of `NONE` it is `NONE`. */
export const chunkOf = (cell: number): number => Math.floor(cell / CHUNK_CELLS);

/**
 * V8 reads a number from a Float64Array as an object, also one that it otherwise keeps as a small integer. Put into a frame or a
 * ring, that would have it keep an object for each such field of all of them.
 */
const whole = (value: number): number => ((value | 0) === value ? value | 0 : value);
