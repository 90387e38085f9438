/** What a bench and the process that posts its trades say to each other. */
export interface Target {
  readonly url: string;
  readonly token: string;
}

/** A challenge as it is opened. */
export interface Seat {
  readonly challengeId: string;
  readonly userId: string;
}

export type TradingAsk =
  /** Opens the challenges, which are traded under this name from then on. */
  | { readonly act: 'open'; readonly book: string; readonly target: Target; readonly seats: readonly Seat[] }
  /** Each connection posts as soon as it was answered. */
  | ({ readonly act: 'saturate'; readonly connections: number } & Run)
  /** Posts at a constant rate, whatever becomes of them. */
  | ({ readonly act: 'arrive'; readonly perSecond: number } & Run);

export interface Run {
  readonly book: string;
  readonly target: Target;
  /** Trades per request: one is a single post, more are a list. */
  readonly perRequest: number;
  /** Not counted. */
  readonly warmUpS: number;
  readonly seconds: number;
}

export interface Traded {
  /** Trades that were accepted. */
  readonly perS: number;
  /** Of requests; at a constant rate from the moment each was due. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Trades that were not accepted, and what the first of them was told. */
  readonly refused: number;
  readonly firstRefusal: string | null;
  /** Processor time of this process, as a share of one processor. */
  readonly processorShare: number;
}

/** What a bench says to the process of clients that come and go. */
export type ReturningAsk =
  { readonly act: 'start'; readonly url: string; readonly seats: readonly Seat[] } | { readonly act: 'stop' };

export interface Returned {
  readonly joinsPerS: number;
  /** Processor time of the clients' process, as a share of one processor. */
  readonly processorShare: number;
}
