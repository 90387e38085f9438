import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { batchesOf, type Batch, type StoredRecord } from '../../../libs/kafka/src/protocol/record-batch.js';
import { batchBytes, textBatch, type BatchSpec, type RecordSpec } from '../../support/record-batch.js';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const maybeBytes = fc.option(bytes);
const headers = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 10 }), maybeBytes), { maxLength: 5 });
const record: fc.Arbitrary<RecordSpec> = fc.record({
  timeDelta: fc.integer({ min: -86_400_000, max: 86_400_000 }),
  key: maybeBytes,
  value: maybeBytes,
  headers,
});
const batch: fc.Arbitrary<BatchSpec> = fc
  .record({
    base: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    codec: fc.constantFrom('none', 'gzip'),
    appendTimeMs: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 }), { nil: undefined }),
    baseTimeMs: fc.integer({ min: 100_000_000, max: 4_000_000_000_000 }),
    /** Which of the original records compaction has left. */
    kept: fc.array(fc.tuple(record, fc.boolean()), { maxLength: 40 }),
    trailing: fc.nat(10),
  })
  .map(({ kept, trailing, appendTimeMs, ...rest }) => ({
    ...rest,
    ...(appendTimeMs === undefined ? {} : { appendTimeMs }),
    lastOffsetDelta: kept.length + trailing,
    records: kept.flatMap(([one, stays], offsetDelta) => (stays ? [{ ...one, offsetDelta }] : [])),
  }));

const all = (set: Buffer): Batch[] =>
  [...batchesOf(set)].map((found) =>
    found.is === 'readable' ? { ...found, records: found.records.map(plain) } : found,
  );
/** Headers look like a map, and are compared as one. */
const plain = (found: StoredRecord): StoredRecord => {
  const { headers: lazy } = found;
  const looked = new Map([...lazy.keys()].map((name) => [name, lazy.get(name) as string]));
  expect([[...lazy.values()], lazy.size]).toEqual([[...looked.values()], looked.size]);
  return { ...found, headers: new Map(lazy) };
};
const recordsOf = (found: Batch | undefined): readonly StoredRecord[] =>
  found?.is === 'readable' ? found.records : [];
const nextOf = (spec: BatchSpec): bigint => spec.base + BigInt(spec.lastOffsetDelta ?? spec.records.length - 1) + 1n;

/** Written by kafka-clients 4.1.0 (`MemoryRecordsBuilder`, `DefaultRecordBatch`); in base64. */
const java = JSON.parse(readFileSync(new URL('./java-batches.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const javaBatch = (name: string): Batch[] => all(Buffer.from(java[name] ?? '', 'base64'));

describe("a batch of Java's client", () => {
  it.each(['none', 'gzip'])('packed with %s is read', (codec) => {
    const records = [
      {
        offset: 1_000_000n,
        timestampMs: 1_764_082_000_000,
        key: Buffer.from('key'),
        value: Buffer.from('{"equity":"10200.00"}'),
        headers: new Map([
          ['ce_id', '0193'],
          ['ce_seq', '2'],
        ]),
      },
      { offset: 1_000_001n, timestampMs: 1_764_082_000_250, key: Buffer.from('kéy'), value: null, headers: new Map() },
      { offset: 1_000_002n, timestampMs: 1_764_081_999_000, key: null, value: Buffer.alloc(300), headers: new Map() },
    ];
    expect(javaBatch(codec)).toEqual([{ is: 'readable', next: 1_000_003n, records }]);
  });

  it.each(['snappy', 'lz4', 'zstd'])('packed with %s is named unreadable', (codec) => {
    expect(javaBatch(codec)).toEqual([{ is: 'unreadable', next: 1_000_003n, why: `codec ${codec}` }]);
  });

  it('that the cleaner emptied stands for its offsets, and so does a transaction mark', () => {
    expect(javaBatch('empty')).toEqual([{ is: 'readable', next: 1_000_042n, records: [] }]);
    expect(javaBatch('control')).toEqual([{ is: 'readable', next: 1_000_043n, records: [] }]);
  });
});

describe('a record batch', () => {
  it('gives back what was stored, and stands for all its offsets whatever compaction left', () => {
    fc.assert(
      fc.property(batch, (spec) => {
        const [found, ...others] = all(batchBytes(spec));
        expect(others).toEqual([]);
        expect(found?.next).toBe(nextOf(spec));
        const expected = spec.records.map(({ offsetDelta = 0, timeDelta = 0, key, value, headers: sent = [] }) => ({
          offset: spec.base + BigInt(offsetDelta),
          timestampMs: spec.appendTimeMs ?? (spec.baseTimeMs ?? 0) + timeDelta,
          key,
          value,
          headers: lastOfEach(sent),
        }));
        expect(recordsOf(found)).toEqual(expected);
      }),
    );
  });

  it('with no record left still moves the position', () => {
    const [found] = all(batchBytes({ base: 7n, lastOffsetDelta: 4, records: [] }));
    expect(found).toEqual({ is: 'readable', next: 12n, records: [] });
    const [packed] = all(batchBytes({ base: 7n, lastOffsetDelta: 4, records: [], codec: 'gzip' }));
    expect(packed).toEqual({ is: 'readable', next: 12n, records: [] });
  });

  it("that is a transaction's mark holds nothing for us", () => {
    const [found] = all(batchBytes({ base: 3n, isControl: true, records: [{ value: Buffer.from('commit') }] }));
    expect(found).toEqual({ is: 'readable', next: 4n, records: [] });
  });

  it.each(['snappy', 'lz4', 'zstd'] as const)('packed with %s is unreadable, and says so with its bounds', (codec) => {
    const set = Buffer.concat([
      textBatch(0n, ['a']),
      batchBytes({ base: 1n, lastOffsetDelta: 2, codec, records: [{ value: Buffer.from('b') }] }),
      textBatch(4n, ['c']),
    ]);
    expect(all(set).map(({ next }) => next)).toEqual([1n, 4n, 5n]);
    expect(all(set)[1]).toEqual({ is: 'unreadable', next: 4n, why: `codec ${codec}` });
  });

  it('of an old format is unreadable', () => {
    const old = textBatch(9n, ['old']);
    old.writeInt8(1, 16);
    expect(all(old)).toEqual([{ is: 'unreadable', next: 10n, why: 'record format 1' }]);
  });

  it('that unpacks to more than 64 MiB is unreadable', () => {
    const zeros = { value: Buffer.alloc(65 * 1024 * 1024) };
    expect(all(batchBytes({ base: 0n, codec: 'gzip', records: [zeros] }))).toMatchObject([
      { is: 'unreadable', next: 1n },
    ]);
  });

  it('cut off at the end of an answer is left for the next one', () => {
    const whole = textBatch(0n, ['a', 'b']);
    const cut = textBatch(2n, ['c']);
    for (let length = 0; length < cut.length; length += 1) {
      expect(all(Buffer.concat([whole, cut.subarray(0, length)]))).toHaveLength(1);
    }
  });

  it('damaged in its records is unreadable or read, and the batches behind it are not lost', () => {
    const specs = fc.tuple(batch, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }));
    fc.assert(
      fc.property(specs, ([spec, place, damage]) => {
        const damaged = batchBytes(spec);
        const HEAD = 61;
        if (damaged.length === HEAD) return;
        const at = HEAD + (place % (damaged.length - HEAD));
        damaged.set(damage.subarray(0, damaged.length - at), at);
        const next = nextOf(spec);
        const found = all(Buffer.concat([damaged, textBatch(next, ['behind'])]));
        expect(found.map((one) => one.next)).toEqual([next, next + 1n]);
        expect(recordsOf(found[1]).map(({ value }) => String(value))).toEqual(['behind']);
      }),
    );
  });

  it('whose length makes no sense is no batch: the set has to be fetched again', () => {
    const broken = textBatch(0n, ['a']);
    broken.writeInt32BE(-5, 8);
    expect(() => all(broken)).toThrow(RangeError);
  });
});

/** Of headers with one name the last counts; one without content is none. */
function lastOfEach(sent: readonly (readonly [string, Buffer | null])[]): Map<string, string> {
  const kept = new Map<string, string>();
  for (const [name, content] of sent) {
    if (content === null) kept.delete(name);
    else kept.set(name, content.toString('utf8'));
  }
  return kept;
}
