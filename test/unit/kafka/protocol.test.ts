import { createRequire } from 'node:module';

import fc from 'fast-check';

import { ByteReader, ByteWriter } from '../../../libs/kafka/src/protocol/bytes.js';
import { fetchRequest } from '../../../libs/kafka/src/protocol/fetch.js';
import { listOffsetsRequest } from '../../../libs/kafka/src/protocol/list-offsets.js';
import { metadataRequest } from '../../../libs/kafka/src/protocol/metadata.js';

const require = createRequire(import.meta.url);

type Encode<T> = (input: T) => { apiKey: number; apiVersion: number; encode(): Promise<{ buffer: Buffer }> };
/** The other implementation that we have at hand: same question, same bytes. */
const theirs = <T>(path: string): Encode<T> => require(`kafkajs/src/protocol/requests/${path}/request.js`) as Encode<T>;

const topic = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' });
const partition = fc.nat(1_000);
const offset = fc.bigInt({ min: 0n, max: 2n ** 62n });
const LIMITS = { maxWaitMs: 200, maxBytes: 8_388_608, partitionMaxBytes: 1_048_576 };

describe('a request', () => {
  it('Fetch v11 has the bytes that kafkajs would send', async () => {
    const partitions = fc.uniqueArray(fc.record({ partition, offset }), {
      selector: (one) => one.partition,
      maxLength: 5,
    });
    const asked = fc.uniqueArray(fc.record({ topic, partitions }), { selector: (one) => one.topic, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(asked, async (grouped) => {
        const topics = grouped.filter((one) => one.partitions.length > 0);
        const expected = theirs<object>('fetch/v11')({
          replicaId: -1,
          maxWaitTime: LIMITS.maxWaitMs,
          minBytes: 1,
          maxBytes: LIMITS.maxBytes,
          isolationLevel: 0,
          topics: topics.map((one) => ({
            topic: one.topic,
            partitions: one.partitions.map((place) => ({
              partition: place.partition,
              fetchOffset: String(place.offset),
              maxBytes: LIMITS.partitionMaxBytes,
            })),
          })),
        });
        const questions = topics.flatMap((one) => one.partitions.map((place) => ({ topic: one.topic, ...place })));
        const { apiKey, version, body } = fetchRequest(questions, LIMITS);
        expect([apiKey, version]).toEqual([expected.apiKey, expected.apiVersion]);
        expect(body).toEqual((await expected.encode()).buffer);
      }),
    );
  });

  it('ListOffsets v2 has the bytes that kafkajs would send', async () => {
    const expected = theirs<object>('listOffsets/v2')({
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          topic: 'a',
          partitions: [
            { partition: 0, timestamp: -1 },
            { partition: 3, timestamp: 1_700_000_000_000 },
          ],
        },
        { topic: 'b', partitions: [{ partition: 1, timestamp: -2 }] },
      ],
    });
    const { apiKey, version, body } = listOffsetsRequest([
      { topic: 'a', partition: 0, at: -1 },
      { topic: 'b', partition: 1, at: -2 },
      { topic: 'a', partition: 3, at: 1_700_000_000_000.7 },
    ]);
    expect([apiKey, version]).toEqual([expected.apiKey, expected.apiVersion]);
    expect(body).toEqual((await expected.encode()).buffer);
  });

  it('Metadata v4 has the bytes that kafkajs would send', async () => {
    const expected = theirs<object>('metadata/v4')({ topics: ['a', 'bé'], allowAutoTopicCreation: false });
    const { apiKey, version, body } = metadataRequest(['a', 'bé']);
    expect([apiKey, version]).toEqual([expected.apiKey, expected.apiVersion]);
    expect(body).toEqual((await expected.encode()).buffer);
  });
});

describe('bytes', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.integer(), offset, fc.string({ unit: 'grapheme' }), (int32, int64, text) => {
        const written = new ByteWriter().int32(int32).int64(-int64).string(text).int8(-1).int16(-2).done();
        const reader = new ByteReader(written);
        expect([reader.int32(), reader.int64(), reader.string(), reader.int8(), reader.int16()]).toEqual([
          int32,
          -int64,
          text,
          -1,
          -2,
        ]);
        expect(reader.left).toBe(0);
      }),
    );
  });

  it('that end early are a RangeError, wherever they end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const decode = (): unknown => fetchRequest([], LIMITS).decode(new ByteReader(Buffer.from(bytes)));
        try {
          decode();
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
