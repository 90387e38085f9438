import type { OutgoingPartition } from '../outgoing.js';
import { byTopic, ByteWriter } from './bytes.js';
import { writeBatch } from './record-batch-writer.js';
import type { Request } from './request.js';

/** Spoken from Kafka 2.4 on; the first that says in words what it has against a record. */
export const PRODUCE = { apiKey: 0, apiName: 'Produce', version: 8 } as const;
const ALL_IN_SYNC = -1;
/** More than a record of ours takes: the buffer need not grow. What is not written to costs nothing. */
const RECORD_BYTES = 768;

export interface ProduceAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Why, in the broker's words; null when it gives none. */
  readonly reason: string | null;
  /** Offset of the first record stored; -1 where none was. */
  readonly baseOffset: bigint;
}

export interface Produced {
  /** For how long the broker will not read from us, by a quota. */
  readonly throttleMs: number;
  readonly answers: readonly ProduceAnswer[];
}

export interface ProduceTerms {
  /** Wall clock; topics with `LogAppendTime` put the broker's in its place. */
  readonly nowMs: number;
  /** How long the leader may wait for the other in-sync replicas. */
  readonly timeoutMs: number;
}

/**
 * Produce v8, without producer id: one batch per partition, stored by all in-sync replicas before it is answered.
 * @throws Fault `record-refused` where it would be larger than a broker reads
 */
export function produceRequest(
  partitions: readonly OutgoingPartition[],
  { nowMs, timeoutMs }: ProduceTerms,
): Request<Produced> {
  const count = partitions.reduce((sum, { records }) => sum + records.length, 0);
  const body = new ByteWriter(count * RECORD_BYTES);
  body
    .int16(-1) // no transaction
    .int16(ALL_IN_SYNC)
    .int32(timeoutMs)
    .array(byTopic(partitions), ([topic, ofTopic]) => {
      body.string(topic).array(ofTopic, ({ partition, records }) => {
        const lengthAt = body.int32(partition).at;
        writeBatch(body.int32(0), records, nowMs);
        body.done().writeInt32BE(body.at - lengthAt - 4, lengthAt);
      });
    });
  return {
    ...PRODUCE,
    body: body.done(),
    decode(answer) {
      const answers = answer
        .array(() => {
          const topic = answer.string();
          return answer.array(() => {
            const partition = answer.int32();
            const errorCode = answer.int16();
            const baseOffset = answer.int64();
            answer.int64(); // time, where the broker gave it
            answer.int64(); // log start offset
            const [complaint] = answer.array(() => (answer.int32(), answer.nullableString()));
            return { topic, partition, errorCode, baseOffset, reason: answer.nullableString() ?? complaint ?? null };
          });
        })
        .flat();
      return { throttleMs: answer.int32(), answers };
    },
  };
}
