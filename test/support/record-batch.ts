import { gzipSync } from 'node:zlib';

/** Record batches as brokers keep them, for tests: written from the format's description, not with the code under test. */
export interface BatchSpec {
  readonly base: bigint;
  /** Absent: as many as there are records. Compaction leaves it as it was. */
  readonly lastOffsetDelta?: number;
  readonly codec?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly appendTimeMs?: number;
  readonly isControl?: boolean;
  readonly baseTimeMs?: number;
  readonly records: readonly RecordSpec[];
}

export interface RecordSpec {
  /** Absent: the place in the batch. */
  readonly offsetDelta?: number;
  readonly timeDelta?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [string, Buffer | null])[];
}

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function batchBytes(spec: BatchSpec): Buffer {
  const { base, codec = 'none', appendTimeMs, isControl = false, baseTimeMs = 0, records } = spec;
  const plain = Buffer.concat(records.map(recordBytes));
  const body = codec === 'gzip' ? gzipSync(plain) : plain; // the others are never unpacked: what is in them does not matter
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(base, 0);
  head.writeInt32BE(49 + body.length, 8);
  head.writeInt8(2, 16);
  head.writeInt16BE(CODECS.indexOf(codec) | (appendTimeMs === undefined ? 0 : 8) | (isControl ? 32 : 0), 21);
  head.writeInt32BE(spec.lastOffsetDelta ?? records.length - 1, 23);
  head.writeBigInt64BE(BigInt(baseTimeMs), 27);
  head.writeBigInt64BE(BigInt(appendTimeMs ?? baseTimeMs), 35);
  head.writeInt32BE(records.length, 57);
  return Buffer.concat([head, body]);
}

/** A batch of texts, one record each. */
export const textBatch = (base: bigint, texts: readonly string[]): Buffer =>
  batchBytes({ base, records: texts.map((text) => ({ value: Buffer.from(text) })) });

function recordBytes(
  { offsetDelta, timeDelta = 0, key = null, value = null, headers = [] }: RecordSpec,
  place: number,
) {
  const bytes = Buffer.concat([
    Buffer.from([0]),
    varint(timeDelta),
    varint(offsetDelta ?? place),
    sized(key),
    sized(value),
    varint(headers.length),
    ...headers.flatMap(([name, content]) => [sized(Buffer.from(name)), sized(content)]),
  ]);
  return Buffer.concat([varint(bytes.length), bytes]);
}

const sized = (bytes: Buffer | null): Buffer =>
  bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  let left = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  do {
    const more = left > 0x7fn;
    bytes.push(Number(left & 0x7fn) | (more ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}
