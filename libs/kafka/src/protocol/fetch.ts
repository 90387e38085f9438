import { byTopic, ByteWriter } from './bytes.js';
import type { Request } from './request.js';

export const FETCH_VERSION = 11;

export interface FetchQuestion {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface FetchAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Whole batches, then perhaps the beginning of one more. */
  readonly records: Buffer;
}

export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
}

export interface Fetched {
  /** How long a quota wants us to stay away. */
  readonly throttleMs: number;
  readonly errorCode: number;
  readonly answers: readonly FetchAnswer[];
}

/**
 * Fetch v11, without a fetch session: every request names every partition, so that nothing has to be agreed on after an error.
 * Uncommitted records of transactions are read: nothing of ours writes in transactions, and a foreign one left open must not
 * hold up a live page.
 */
export const fetchRequest = (questions: readonly FetchQuestion[], limits: FetchLimits): Request<Fetched> => {
  const body = new ByteWriter();
  body
    .int32(-1) // no replica
    .int32(limits.maxWaitMs)
    .int32(1) // answer as soon as there is one byte
    .int32(limits.maxBytes)
    .int8(0)
    .int32(0) // no session
    .int32(-1)
    .array(byTopic(questions), ([topic, ofTopic]) => {
      body.string(topic).array(ofTopic, ({ partition, offset }) =>
        body
          .int32(partition)
          .int32(-1) // leader epoch: not fenced
          .int64(offset)
          .int64(-1n)
          .int32(limits.partitionMaxBytes),
      );
    })
    .int32(0) // nothing forgotten
    .string(''); // no rack
  return {
    apiKey: 1,
    apiName: 'Fetch',
    version: FETCH_VERSION,
    body: body.done(),
    decode(answer) {
      const throttleMs = answer.int32();
      const errorCode = answer.int16();
      answer.int32(); // session
      const answers = answer
        .array(() => {
          const topic = answer.string();
          return answer.array(() => {
            const partition = answer.int32();
            const error = answer.int16();
            answer.int64(); // high watermark
            answer.int64(); // last stable offset
            answer.int64(); // log start offset
            answer.array(() => answer.bytes(16)); // aborted transactions
            answer.int32(); // preferred replica
            return { topic, partition, errorCode: error, records: answer.nullableBytes() ?? Buffer.alloc(0) };
          });
        })
        .flat();
      return { throttleMs, errorCode, answers };
    },
  };
};
