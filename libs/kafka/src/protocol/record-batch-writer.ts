import { Fault } from '@tradesense/platform';
import type { OutgoingRecord } from '../port.js';
import type { ByteWriter } from './bytes.js';
import { crc32c } from './crc32c.js';

/**
 * Writes a record batch (format v2) in one pass over its records, straight into the request that carries it. No buffer is made
 * per record or field: that, and going over everything once for its size and once more to copy it, is what made the library's
 * encoder the largest part of a relay's processor time. A length that stands before what it counts is written afterwards: into
 * two bytes kept for it, which nearly every record's length takes; where it takes one or three the record is moved.
 */
const HEAD_BYTES = 61;
const CHECKED_FROM = 21;
const NO_EPOCH = -1;
const NO_PRODUCER = -1n;
const NULL = 1; // as a varint: -1
const LENGTH_BYTES = 2;
/** What a record takes at most beside its texts and its value, and a header beside its texts. */
const RECORD_OVERHEAD_BYTES = 30;
const HEADER_OVERHEAD_BYTES = 10;
/** Of UTF-8 per UTF-16 unit. */
const WIDEST = 3;
/** Up to here a text is copied by hand, which is quicker than to call out, and its length takes one byte. */
const SHORT = 63;

/**
 * A request that is larger than a broker reads at all (`socket.request.max.bytes`, 100 MiB by default) ends its connection
 * without a word, which looks like an outage and would be waited out for ever. Far below that we refuse it ourselves.
 */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

/** @throws Fault `record-refused` where the request would grow beyond MAX_REQUEST_BYTES */
export function writeBatch(writer: ByteWriter, records: readonly OutgoingRecord[], nowMs: number): void {
  const start = writer.at;
  writer.reserve(HEAD_BYTES);
  writer.moveTo(start + HEAD_BYTES);
  for (let delta = 0; delta < records.length; delta += 1) writeRecord(writer, records[delta]!, delta);
  const end = writer.at;
  writer.moveTo(start);
  writer
    .int64(0n) // base offset: the broker's to give
    .int32(end - start - 12)
    .int32(NO_EPOCH)
    .int8(2)
    .int32(0) // checksum, below
    .int16(0) // not packed, time of creation, no transaction
    .int32(records.length - 1)
    .int64(BigInt(nowMs))
    .int64(BigInt(nowMs))
    .int64(NO_PRODUCER)
    .int16(NO_EPOCH)
    .int32(-1)
    .int32(records.length);
  writer.moveTo(end);
  const bytes = writer.done();
  bytes.writeUInt32BE(crc32c(bytes, start + CHECKED_FROM, end), start + CHECKED_FROM - 4);
}

function writeRecord(writer: ByteWriter, { key, value, headers }: OutgoingRecord, delta: number): void {
  let headerCount = 0;
  let bound =
    RECORD_OVERHEAD_BYTES +
    (key?.length ?? 0) * WIDEST +
    (value?.length ?? 0) * (typeof value === 'string' ? WIDEST : 1);
  for (const name in headers) {
    headerCount += 1;
    bound += HEADER_OVERHEAD_BYTES + (name.length + headers[name]!.length) * WIDEST;
  }
  const start = writer.at;
  if (start + bound > MAX_REQUEST_BYTES) throw tooLarge(bound);
  const bytes = writer.reserve(bound);
  const from = start + LENGTH_BYTES;
  let at = from;
  bytes[at++] = 0; // attributes, unused
  bytes[at++] = 0; // time: the batch's
  at = varint(bytes, at, delta);
  if (key === null) bytes[at++] = NULL;
  else at = text(bytes, at, key);
  if (value === null) bytes[at++] = NULL;
  else if (typeof value === 'string') at = text(bytes, at, value);
  else {
    at = varint(bytes, at, value.length);
    bytes.set(value, at);
    at += value.length;
  }
  at = varint(bytes, at, headerCount);
  for (const name in headers) at = text(bytes, text(bytes, at, name), headers[name]!);
  writer.moveTo(withLength(bytes, from, at));
}

/** Puts the length of [from, to) before it. @returns where it ends then */
function withLength(bytes: Buffer, from: number, to: number): number {
  const length = to - from;
  const shift = (length < 1 << 6 ? 1 : length < 1 << 13 ? 2 : length < 1 << 20 ? 3 : 4) - LENGTH_BYTES;
  if (shift !== 0) bytes.copyWithin(from + shift, from, to);
  varint(bytes, from - LENGTH_BYTES, length);
  return to + shift;
}

/** Zigzag, of a number that is not negative. @returns where it ends */
function varint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let left = value << 1;
  while (left > 0x7f) {
    bytes[at++] = (left & 0x7f) | 0x80;
    left >>>= 7;
  }
  bytes[at++] = left;
  return at;
}

/** A length and UTF-8. @returns where it ends */
function text(bytes: Buffer, from: number, content: string): number {
  const { length } = content;
  if (length <= SHORT) {
    let all = 0;
    for (let index = 0; index < length; index += 1) {
      const unit = content.charCodeAt(index);
      bytes[from + 1 + index] = unit;
      all |= unit;
    }
    if (all < 0x80) {
      bytes[from] = length << 1;
      return from + 1 + length;
    }
  }
  const at = varint(bytes, from, Buffer.byteLength(content));
  return at + bytes.write(content, at);
}

const tooLarge = (bytes: number): Fault =>
  new Fault(
    'record-refused',
    'park',
    `a record of up to ${bytes} bytes does not fit a request of ${MAX_REQUEST_BYTES}`,
  );
