import type { TopicSpec } from '@tradesense/contracts';
import { Fault } from '@tradesense/platform';

/** Where Kafka is and how to get in. */
export interface KafkaConnection {
  readonly brokers: readonly string[];
  /** Names service and instance in the broker's logs. */
  readonly clientId: string;
  /** Absent: plain TCP. With it nothing is ever sent that is not encrypted, to nobody who has not proved the name we called. */
  readonly tls?: {
    /** PEM: who may have signed the brokers' certificates. Absent: the authorities that Node.js trusts. */
    readonly ca?: string;
  };
  readonly sasl?: Sasl;
}

export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface OutgoingRecord {
  /** Decides the partition, as Java's client would choose it (murmur2). Records without a key take the partitions in turn. */
  readonly key: string | null;
  /** Text goes as UTF-8. Null is a tombstone. */
  readonly value: Buffer | string | null;
  /** Absent headers are left out, never null. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface TopicRecords {
  readonly topic: string;
  readonly records: readonly OutgoingRecord[];
}

/** Per topic and partition: one more than the offset of the last record stored by this send. */
export type Ends = ReadonlyMap<string, ReadonlyMap<number, bigint>>;

/**
 * Sends batches in order, one outstanding at a time.
 * Resolved: every record is stored by all in-sync replicas. Rejected: the outcome is unknown (fault code
 * `publish-unclear`, remedy `wait`) and whatever was under way is cut, so that nothing of it leaves later; or one record can
 * never be stored (`record-refused`, remedy `park`), though others of the same send may be: all have been answered then.
 * Remedy `stop` is a mistake of the caller's: a topic not named when connecting, a header that is no text, two sends at once; or
 * the operator's: a topic with another partition count than configured (`partition-count`).
 * The records of one partition are one batch, which the broker refuses as a whole beyond the topic's `max.message.bytes`; a send
 * should hold at most 1,000 records and 512 KiB.
 */
export interface Publisher {
  send(batches: readonly TopicRecords[], signal?: AbortSignal): Promise<Ends>;
  close(): Promise<void>;
}

/**
 * Code `record-refused`, remedy `park`: a broker has something against a record itself. All of the send has been answered: of
 * the partitions that hold `refused` nothing was stored, of all others everything, up to `stored`.
 */
export class RecordRefused extends Fault {
  constructor(
    why: string,
    readonly refused: ReadonlySet<OutgoingRecord>,
    readonly stored: Ends,
  ) {
    super('record-refused', 'park', `the broker refused a record: ${why}`);
  }
}

/** Keys and values are views into the broker's answer: who keeps one for long copies it, or the answer stays too. */
export interface IncomingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Broker's clock, milliseconds. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** By name, as UTF-8; the last one when a name is repeated. Made of the broker's answer when they are looked up. */
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Records that are gone, or can't be read, between two offsets [from, to). `truncation`: they had been read and are
 * gone; their offsets will be given again.
 */
export interface Loss {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly why: 'retention' | 'truncation' | 'unreadable';
  readonly detail?: string;
}

export type StartAt =
  | 'start'
  | 'end'
  | { readonly timeMs: number }
  | { readonly offset: bigint }
  /** Of each partition its own; 0 where none is named. */
  | { readonly offsets: ReadonlyMap<number, bigint> };

export interface ReaderTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly from: StartAt;
}

/** One that throws stops the reader, which then tells its option `onFailure`. */
export interface ReaderHandlers {
  /** Records of one partition, in offset order, at most 64 at a time; the next piece follows after the returned promise. */
  records(records: readonly IncomingRecord[]): void | Promise<void>;
  /** Told before any record behind the loss. */
  lost(loss: Loss): void;
  /** The position of a partition moved, also over records that do not exist any more (compacted, control). */
  position(topic: string, partition: number, next: bigint): void;
}

/**
 * Reads all partitions of its topics and keeps its own positions: no group, nothing committed. What it can't read it reports.
 */
export interface Reader {
  /**
   * Resolves when the starting offset of every partition is known; reading goes on until `stop`. Kafka away or a topic missing is
   * waited for. Rejects when stopped meanwhile (`reader-stopped`) or with another partition count than configured
   * (`partition-count`); once reading, the latter goes to `onFailure`.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Next offset to be read: all before it were handed over. Undefined until `start` has resolved. */
  position(topic: string, partition: number): bigint | undefined;
  /** Milliseconds since the partition that waits longest was last answered and handled (monotonic); Infinity before all were. */
  idleMs(): number;
  /** What was in the way since then, in words, if anything. */
  trouble(): string | undefined;
}

export interface TopicFault {
  readonly topic: string;
  /** `unfit`: records are lost or misread while all goes well, so nothing is published; `unsafe`: a failure may lose some. */
  readonly grade: 'unfit' | 'unsafe';
  /** What is wrong, in words that follow the topic's name. */
  readonly what: string;
  /** The command that mends it, or where to read on. */
  readonly mend: string;
}

export interface Admin {
  /** Creates those that are missing, with so many copies (1); leaves the others as they are. @returns the names of the new ones */
  ensureTopics(topics: readonly TopicSpec[], copies?: number): Promise<readonly string[]>;
  /** What is wrong with them where so many copies are wanted (3). Empty: all is well. */
  checkTopics(topics: readonly TopicSpec[], copies?: number): Promise<readonly TopicFault[]>;
  /** One more than the last offset of each partition. */
  ends(topic: string): Promise<ReadonlyMap<number, bigint>>;
  close(): Promise<void>;
}
