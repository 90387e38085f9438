import { byTopic, ByteWriter } from './bytes.js';
import type { Request } from './request.js';

/** Asks for the first offset still there, or for one more than the last. Any other number is a time in milliseconds. */
export const EARLIEST = -2;
export const LATEST = -1;

export interface OffsetQuestion {
  readonly topic: string;
  readonly partition: number;
  readonly at: number;
}

export interface OffsetAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** -1: no record as young as the time asked for. */
  readonly offset: bigint;
}

/** ListOffsets v2. A partition may appear once in a request. */
export const listOffsetsRequest = (questions: readonly OffsetQuestion[]): Request<readonly OffsetAnswer[]> => {
  const body = new ByteWriter();
  body
    .int32(-1) // no replica
    .int8(0) // what is not committed by a transaction counts: fetch reads it too
    .array(byTopic(questions), ([topic, ofTopic]) => {
      body.string(topic).array(ofTopic, ({ partition, at }) => body.int32(partition).int64(BigInt(Math.trunc(at))));
    });
  return {
    apiKey: 2,
    apiName: 'ListOffsets',
    version: 2,
    body: body.done(),
    decode(answer) {
      answer.int32(); // throttle time
      return answer
        .array(() => {
          const topic = answer.string();
          return answer.array(() => {
            const partition = answer.int32();
            const errorCode = answer.int16();
            answer.int64(); // time of the record found
            return { topic, partition, errorCode, offset: answer.int64() };
          });
        })
        .flat();
    },
  };
};
