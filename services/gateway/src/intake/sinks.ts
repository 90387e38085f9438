import type { ChallengeId, Watermark } from '@tradesense/contracts';

import type { IncomingEvent, IncomingState } from './record.js';

/** Where facts go, in the order of their partition. */
export interface FactSink {
  event(event: IncomingEvent): void;
  state(state: IncomingState): void;
  tombstone(challengeId: ChallengeId): void;
  /** An event of this challenge can't be passed on. */
  spoilt(challengeId: ChallengeId, partition: number): void;
  /** Events of a partition are gone; nobody can say of which challenges. */
  lost(partition: number): void;
}

export type Stream = 'events' | 'state';

/** How far reading has come, for those who judge whether it is far enough. */
export interface Progress {
  /** All below this offset was handed to the sink, or told lost. */
  passed(stream: Stream, partition: number, next: bigint): void;
  watermark(watermark: Watermark): void;
}

/**
 * What a record of the access topic did. `spoilt`: its value can't be read, so its target is shut out; `nobody`: its key names
 * nobody.
 */
export type AccessTaken = 'blocked' | 'restored' | 'spoilt' | 'nobody';

/** Who is told what the access topic says, in its order. */
export interface AccessSink {
  take(key: string, value: Buffer | null): AccessTaken;
}
