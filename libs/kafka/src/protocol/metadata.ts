import { ByteWriter } from './bytes.js';
import type { Request } from './request.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly topic: string;
  readonly errorCode: number;
  /** `leader` is -1 while there is none. */
  readonly partitions: readonly { readonly partition: number; readonly leader: number }[];
}

export interface Metadata {
  readonly brokers: ReadonlyMap<number, Address>;
  readonly topics: readonly TopicMetadata[];
}

/** Metadata v4. Topics are never created by asking. A partition without a leader spoils nothing for the others. */
export const metadataRequest = (topics: readonly string[]): Request<Metadata> => {
  const body = new ByteWriter();
  body.array(topics, (topic) => body.string(topic)).int8(0);
  return {
    apiKey: 3,
    apiName: 'Metadata',
    version: 4,
    body: body.done(),
    decode(answer) {
      answer.int32(); // throttle time
      const brokers = answer.array(() => {
        const nodeId = answer.int32();
        const address = { host: answer.string(), port: answer.int32() };
        answer.nullableString(); // rack
        return [nodeId, address] as const;
      });
      answer.nullableString(); // cluster id
      answer.int32(); // controller
      const found = answer.array(() => {
        const errorCode = answer.int16();
        const topic = answer.string();
        answer.int8(); // internal
        const partitions = answer.array(() => {
          answer.int16(); // the leader says it all
          const partition = answer.int32();
          const leader = answer.int32();
          answer.array(() => answer.int32()); // replicas
          answer.array(() => answer.int32()); // in-sync replicas
          return { partition, leader };
        });
        return { topic, errorCode, partitions };
      });
      return { brokers: new Map(brokers), topics: found };
    },
  };
};
