import { gunzipSync } from 'node:zlib';
import { ByteReader } from './bytes.js';
import { headersOf } from './headers.js';

/**
 * Record batches (format v2) as they lie in a log. What matters more than the records is `next`, one more than the last
 * offset the batch stands for: compaction removes records and leaves the batch's bounds, sometimes a batch with no record at
 * all, and whoever takes the position from records stands still there for ever. So every batch yields its `next`, whether
 * it holds records, none, a transaction's control mark, or something that can't be read.
 */
export interface StoredRecord {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, string>;
}

export type Batch =
  | { readonly is: 'readable'; readonly next: bigint; readonly records: readonly StoredRecord[] }
  | { readonly is: 'unreadable'; readonly next: bigint; readonly why: string };

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** Base offset and length: what stands before the part that the length counts. */
const PREFIX_BYTES = 12;
/** From the length to the records. */
const HEAD_BYTES = 49;
const OLD_HEAD_BYTES = 14;
/** A batch is at most a few MiB; one that unpacks to more is hostile. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

const CODEC = 0b111;
const LOG_APPEND_TIME = 1 << 3;
const CONTROL = 1 << 5;

/**
 * The whole batches of a record set, in order; the beginning of another at the end is left alone.
 * @throws RangeError where not even the bounds of a batch make sense: the set has to be fetched again
 */
export function* batchesOf(set: Buffer): Generator<Batch, void, undefined> {
  let at = 0;
  while (set.length - at >= PREFIX_BYTES) {
    const length = set.readInt32BE(at + 8);
    if (length < OLD_HEAD_BYTES) throw new RangeError(`a batch claims to be ${length} bytes long`);
    const end = at + PREFIX_BYTES + length;
    if (end > set.length) return;
    yield batchOf(set.subarray(at, end));
    at = end;
  }
}

function batchOf(bytes: Buffer): Batch {
  const reader = new ByteReader(bytes);
  const base = reader.int64();
  reader.int32(); // length
  reader.int32(); // leader epoch
  const magic = reader.int8();
  // Formats 0 and 1 carry the last offset of what they wrap where v2 carries the first.
  if (magic !== 2) return { is: 'unreadable', next: base + 1n, why: `record format ${magic}` };
  if (bytes.length < PREFIX_BYTES + HEAD_BYTES) throw new RangeError('a batch ends within its head');
  reader.int32(); // checksum: brokers verify it when they store, TCP on the way
  const attributes = reader.int16();
  const lastDelta = reader.int32();
  const next = base + BigInt(lastDelta) + 1n;
  const baseTimeMs = Number(reader.int64());
  const maxTimeMs = Number(reader.int64());
  reader.bytes(14); // producer id, epoch, sequence
  const count = reader.int32();
  if ((attributes & CONTROL) !== 0) return { is: 'readable', next, records: [] };
  try {
    const packed = reader.bytes(reader.left);
    const body = new ByteReader(unpack(packed, attributes & CODEC));
    const timeOf = (attributes & LOG_APPEND_TIME) !== 0 ? () => maxTimeMs : (delta: number) => baseTimeMs + delta;
    const bounds: Bounds = { base, lastDelta, timeOf };
    const records: StoredRecord[] = [];
    for (let index = 0; index < count; index += 1) records.push(recordOf(body, bounds));
    return { is: 'readable', next, records };
  } catch (error) {
    return { is: 'unreadable', next, why: error instanceof Error ? error.message : String(error) };
  }
}

function unpack(bytes: Buffer, codec: number): Buffer {
  const name = CODECS[codec] ?? String(codec);
  if (name === 'none') return bytes;
  if (name === 'gzip') return bytes.length === 0 ? bytes : gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  throw new Error(`codec ${name}`);
}

interface Bounds {
  readonly base: bigint;
  readonly lastDelta: number;
  readonly timeOf: (delta: number) => number;
}

function recordOf(reader: ByteReader, { base, lastDelta, timeOf }: Bounds): StoredRecord {
  const length = reader.varint();
  const leftBehind = reader.left - length;
  reader.int8(); // attributes, unused
  const timestampMs = timeOf(reader.varlong());
  const delta = reader.varint();
  if (delta < 0 || delta > lastDelta) throw new RangeError('a record lies outside its batch');
  const key = sized(reader);
  const value = sized(reader);
  const headers = headersOf(reader);
  if (reader.left !== leftBehind) throw new RangeError('a record has another length than it says');
  return { offset: base + BigInt(delta), timestampMs, key, value, headers };
}

function sized(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.bytes(length);
}
