import type { Arrivals } from './arrivals.js';

/** What a bench and its load process say to each other over the channel between them. */
export interface Scene {
  readonly tradeUrl: string;
  readonly gatewayUrl: string;
  readonly jwtSecret: string;
  /** So many challenges, each with one client joined. */
  readonly clients: number;
}
export type Request =
  | { readonly act: 'open'; readonly scene: Scene }
  | { readonly act: 'run'; readonly arrivals: Arrivals; readonly arriveWithinMs: number };

export interface RunResult {
  /** From the moment a trade was due until its answer, milliseconds. */
  readonly tradeMs: readonly number[];
  /** From the moment a trade was due until its event was there; of the events that came. */
  readonly eventMs: readonly number[];
  /** Trades that were sent more than LATE_MS after they were due. */
  readonly late: number;
  readonly refused: number;
  /** Events named in the 201s. */
  readonly sent: number;
  /** Distinct ones of those that came. */
  readonly received: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly collapsed: number;
  /** Breaches of the invariants, in words: lost, twice, out of order. At most some of each. */
  readonly breaches: readonly string[];
}
export const LATE_MS = 10;
