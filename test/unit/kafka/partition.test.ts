import { readFileSync } from 'node:fs';

import { partitionOf } from '@tradesense/kafka';

import { murmur2 } from '../../../libs/kafka/src/partition.js';

/** Key, hash, partition of 12, partition of 7: written by kafka-clients 4.1.0 (`Utils.murmur2`, `BuiltInPartitioner`). */
type Row = readonly [key: string, hash: number, ofTwelve: number, ofSeven: number];
const rows = JSON.parse(readFileSync(new URL('./java-partitions.json', import.meta.url), 'utf8')) as readonly Row[];

describe('a key', () => {
  it.each(rows)("%j hashes and falls as with Java's client", (key, hash, ofTwelve, ofSeven) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
    expect(partitionOf(key, 12)).toBe(ofTwelve);
    expect(partitionOf(key, 7)).toBe(ofSeven);
  });

  it.each([255, 256, 257, 5_000])('of %i characters falls by its bytes, too', (length) => {
    const key = '€'.repeat(length);
    expect(partitionOf(key, 12)).toBe((murmur2(Buffer.from(key)) & 0x7fffffff) % 12);
  });
});
