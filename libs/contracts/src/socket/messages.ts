import type { Cursor } from '../cursor.js';
import type { ChallengeState } from '../events/index.js';
import type { SocketCode } from '../errors/index.js';

/** Client to server (design 9). Each may carry an acknowledgement, answered with an `Answer`. */
export interface JoinChallenge {
  readonly challenge_id: string;
  readonly cursor?: Cursor;
  /** Without a cursor: start at most this many frames (<= 200) before the ring's head. */
  readonly history?: number;
  /** How long the client was away, milliseconds; for metrics only. */
  readonly reconnect_ms?: number;
}
export interface LeaveChallenge {
  readonly challenge_id: string;
}
export interface RefreshToken {
  readonly token: string;
}
export type Answer =
  { readonly ok: true } | { readonly ok: false; readonly code: SocketCode; readonly message: string };

export type SnapshotReason = 'no_cursor' | 'too_old' | 'epoch' | 'gap' | 'behind';

/** Server to client, besides the events themselves. */
export interface JoinedChallenge {
  readonly challenge_id: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly recovered: boolean;
  readonly reason?: SnapshotReason;
  readonly snapshot?: ChallengeState;
}
export interface LeftChallenge {
  readonly challenge_id: string;
}
export interface Snapshot {
  readonly challenge_id: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly reason: SnapshotReason;
  readonly state: ChallengeState;
}
export interface Freshness {
  readonly challenge_id: string;
  readonly state: 'live' | 'stale' | 'unknown';
  /** "All before then is here": the database's clock, RFC 3339. Null before the first watermark. */
  readonly as_of: string | null;
  readonly reason?: 'watermark_old' | 'behind' | 'parked' | 'starting';
}
export interface AccessRevoked {
  readonly challenge_id?: string;
}
export interface GoingAway {
  readonly reconnect_in_ms: number;
}
export interface Replayed {
  readonly replay_id: string;
  readonly event: unknown;
}
export interface SocketError {
  readonly code: SocketCode;
  readonly message: string;
  readonly challenge_id?: string;
}
/** `data` of a `connect_error`. */
export interface Refusal {
  readonly code: SocketCode;
  readonly message: string;
  readonly retry_after_ms?: number;
}
/** Second argument of an equity update that stands in for older ones. */
export interface Bridge {
  readonly prev_sequence: number;
}

export interface ServerMessages {
  joined_challenge: JoinedChallenge;
  left_challenge: LeftChallenge;
  snapshot: Snapshot;
  freshness: Freshness;
  access_revoked: AccessRevoked;
  going_away: GoingAway;
  token_expired: Record<string, never>;
  replayed: Replayed;
  error: SocketError;
}
