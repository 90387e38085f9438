import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import type { OutgoingRecord } from '@tradesense/kafka';
import { faultOf } from '@tradesense/platform';
import fc from 'fast-check';

import { ByteReader, ByteWriter } from '../../../libs/kafka/src/protocol/bytes.js';
import { crc32c } from '../../../libs/kafka/src/protocol/crc32c.js';
import { PRODUCE, produceRequest } from '../../../libs/kafka/src/protocol/produce.js';
import { MAX_REQUEST_BYTES, writeBatch } from '../../../libs/kafka/src/protocol/record-batch-writer.js';
import { batchesOf } from '../../../libs/kafka/src/protocol/record-batch.js';

const NOW_MS = 1_764_082_000_123;

function written(records: readonly OutgoingRecord[], nowMs = NOW_MS): Buffer {
  const writer = new ByteWriter();
  writeBatch(writer, records, nowMs);
  return writer.done();
}
const plain = (value: Buffer | null): OutgoingRecord => ({ key: null, value, headers: {} });

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.string({ unit: 'binary-ascii', maxLength: 100 }),
);
const value = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    text,
    // Around the places where a record's length takes another byte.
    fc
      .constantFrom(30, 50, 8_100, 1_048_500)
      .chain((size) => fc.nat(100).map((more) => Buffer.alloc(size + more, 'v'))),
  ),
);
const record: fc.Arbitrary<OutgoingRecord> = fc.record({
  key: fc.option(text),
  value,
  headers: fc.dictionary(text, text, { maxKeys: 5, noNullPrototype: true }),
});

describe('a record batch that we write', () => {
  it("has the bytes that Java's client would write", () => {
    interface Golden {
      readonly nowMs: number;
      readonly records: readonly (readonly [string | null, string | [string, number] | null, Record<string, string>])[];
      readonly gzip: string;
    }
    // kafka-clients 4.1.0, MemoryRecords.withRecords; a value of a text and a number is that text so many times.
    const { nowMs, records, gzip } = JSON.parse(
      readFileSync(new URL('./java-records.json', import.meta.url), 'utf8'),
    ) as Golden;
    const ours = records.map(([key, content, headers]) => ({
      key,
      value:
        content === null
          ? null
          : Buffer.from(typeof content === 'string' ? content : content[0].repeat(content[1]), 'latin1'),
      headers,
    }));
    const bytes = written(ours, nowMs);
    expect(bytes.toString('hex')).toBe(gunzipSync(Buffer.from(gzip, 'base64')).toString('hex'));
  });

  it('is read again as it was given', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), (records) => {
        const [found, ...others] = batchesOf(written(records));
        expect(others).toEqual([]);
        expect(found?.next).toBe(BigInt(records.length));
        const read = found?.is === 'readable' ? found.records : [];
        expect(read.map((one) => [one.offset, one.timestampMs])).toEqual(
          records.map((_, offset) => [BigInt(offset), NOW_MS]),
        );
        expect(read.map((one) => shown(one.key, one.value, one.headers))).toEqual(
          records.map((one) => shown(one.key, one.value, new Map(Object.entries(one.headers)))),
        );
      }),
    );
  });

  it('may have a record whose length takes four bytes', () => {
    const large = Buffer.alloc(1 << 20, 'v');
    const [found] = batchesOf(written([plain(large), plain(null)]));
    const values = found?.is === 'readable' ? found.records.map(({ value: of }) => of) : [];
    expect([values.length, values[0]?.equals(large), values[1]]).toEqual([2, true, null]);
  });

  it('stands behind others in one request, each whole', () => {
    const body = new ByteWriter(1);
    for (const one of ['a', 'b']) writeBatch(body, [plain(Buffer.from(one)), plain(null)], NOW_MS);
    const found = [...batchesOf(body.done())];
    expect(
      found.map((one) => (one.is === 'readable' ? one.records.map(({ value: of }) => of?.toString()) : [])),
    ).toEqual([
      ['a', undefined],
      ['b', undefined],
    ]);
  });

  it('refuses a record that no broker would read', () => {
    const fault = faultOf(thrownBy(() => written([plain(Buffer.alloc(MAX_REQUEST_BYTES))])));
    expect([fault.code, fault.remedy]).toEqual(['record-refused', 'park']);
    const half = plain(Buffer.alloc(MAX_REQUEST_BYTES / 2));
    const three = [half, half, half].map((one, partition) => ({ topic: 'a', partition, records: [one] }));
    expect(faultOf(thrownBy(() => produceRequest(three, { nowMs: 0, timeoutMs: 1 }))).code).toBe('record-refused');
    expect(written([half]).length).toBeGreaterThan(MAX_REQUEST_BYTES / 2);
  });
});

describe('Produce v8', () => {
  it('asks for all in-sync replicas, names topics once, and gives each partition its batch', () => {
    const records = [plain(Buffer.from('x'))];
    const { apiKey, version, body } = produceRequest(
      [
        { topic: 'a', partition: 3, records },
        { topic: 'b', partition: 0, records },
        { topic: 'a', partition: 1, records: [...records, ...records] },
      ],
      { nowMs: NOW_MS, timeoutMs: 7_000 },
    );
    expect([apiKey, version]).toEqual([PRODUCE.apiKey, 8]);
    const reader = new ByteReader(body);
    expect([reader.nullableString(), reader.int16(), reader.int32()]).toEqual([null, -1, 7_000]);
    const topics = reader.array(() => [
      reader.string(),
      reader.array(() => [reader.int32(), [...batchesOf(reader.nullableBytes()!)].map(({ next }) => next)]),
    ]);
    expect(topics).toEqual([
      [
        'a',
        [
          [3, [1n]],
          [1, [2n]],
        ],
      ],
      ['b', [[0, [1n]]]],
    ]);
    expect(reader.left).toBe(0);
  });

  it("reads the broker's offsets, and its words about what it refused", () => {
    const answer = new ByteWriter();
    answer
      .array(['a'], (topic) =>
        answer.string(topic).array([0, 1, 2], (partition) => {
          const isGood = partition === 0;
          answer
            .int32(partition)
            .int16(isGood ? 0 : 87)
            .int64(isGood ? 42n : -1n)
            .int64(-1n)
            .int64(0n)
            .array(isGood ? [] : [7], (index) => answer.int32(index).string('no key'));
          if (partition === 1) answer.string('a record was bad');
          else answer.int16(-1);
        }),
      )
      .int32(123);
    expect(produceRequest([], { nowMs: 0, timeoutMs: 0 }).decode(new ByteReader(answer.done()))).toEqual({
      throttleMs: 123,
      answers: [
        { topic: 'a', partition: 0, errorCode: 0, baseOffset: 42n, reason: null },
        { topic: 'a', partition: 1, errorCode: 87, baseOffset: -1n, reason: 'a record was bad' },
        { topic: 'a', partition: 2, errorCode: 87, baseOffset: -1n, reason: 'no key' },
      ],
    });
  });
});

describe('CRC-32C', () => {
  it.each([
    ['123456789', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa], // this and the next: RFC 3720, B.4
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s is what is published', (_, bytes, sum) => {
    expect(crc32c(bytes, 0, bytes.length)).toBe(sum);
  });

  it('is that of the definition, wherever the bytes begin and end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), fc.nat(20), (array, before, behind) => {
        const bytes = Buffer.from(array);
        const [from, to] = [
          Math.min(before, bytes.length),
          Math.max(Math.min(before, bytes.length), bytes.length - behind),
        ];
        expect(crc32c(bytes, from, to)).toBe(byBytes(bytes.subarray(from, to)));
      }),
    );
  });
});

/** Hexadecimal, because comparing buffers of some thousand bytes takes Jest a second. */
const hex = (bytes: Buffer | string | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('hex');
const shown = (key: Buffer | string | null, content: Buffer | string | null, headers: ReadonlyMap<string, string>) => [
  hex(key),
  hex(content),
  ...[...headers].flatMap(([name, of]) => [name, hex(of)]),
];

/** By definition, bit by bit. */
function byBytes(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (0x82f63b78 & -(sum & 1));
  }
  return ~sum >>> 0;
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}
