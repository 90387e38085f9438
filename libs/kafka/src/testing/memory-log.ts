import type { IncomingRecord } from '../port.js';

/** One partition: records at ascending offsets, with holes where something was taken out. */
export class MemoryLog {
  #records: IncomingRecord[] = [];
  #start = 0n;
  #end = 0n;

  constructor(
    private readonly topic: string,
    private readonly partition: number,
  ) {}

  get start(): bigint {
    return this.#start;
  }

  get end(): bigint {
    return this.#end;
  }

  get records(): readonly IncomingRecord[] {
    return this.#records;
  }

  append(record: Pick<IncomingRecord, 'timestampMs' | 'key' | 'value' | 'headers'>): void {
    this.#records.push({ topic: this.topic, partition: this.partition, offset: this.#end, ...record });
    this.#end += 1n;
  }

  /** As retention does: records below the offset are gone, the log starts there. */
  deleteBefore(offset: bigint): void {
    this.#start = offset;
    this.#records = this.#records.filter((record) => record.offset >= offset);
  }

  /** As compaction does: the record is gone, its offset stays. */
  remove(offset: bigint): void {
    this.#records = this.#records.filter((record) => record.offset !== offset);
  }

  /** As an unclean election does: the log ends there, and the offsets will be given again. */
  truncate(end: bigint): void {
    this.#end = end;
    this.#records = this.#records.filter((record) => record.offset < end);
  }

  /** At most `limit` records from an offset on, and where reading goes on: behind the last of them, or at the end. */
  read(from: bigint, limit: number): { readonly records: readonly IncomingRecord[]; readonly next: bigint } {
    const first = this.#records.findIndex(({ offset }) => offset >= from);
    const records = first < 0 ? [] : this.#records.slice(first, first + limit);
    const last = records.length === limit ? records.at(-1) : undefined;
    return { records, next: last === undefined ? this.#end : last.offset + 1n };
  }
}
