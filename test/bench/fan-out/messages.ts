/** One challenge and the one client that watches it. */
export interface Seat {
  readonly userId: string;
  readonly challengeId: string;
}

export type CrowdAsk =
  | {
      readonly act: 'open';
      readonly url: string;
      readonly speaks: 'socket.io' | 'websocket';
      readonly seats: readonly Seat[];
    }
  /** What came since the last time this was asked. */
  | { readonly act: 'read' }
  | { readonly act: 'leave' };
export interface Heard {
  readonly messages: number;
  readonly collapsed: number;
  /** From the producer's stamp to the whole frame here, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type FeederAsk =
  | {
      readonly act: 'open';
      readonly brokers: readonly string[];
      readonly topicPrefix: string;
      readonly seats: readonly Seat[];
    }
  /** So many events a second; with states, one after each, as the relay writes them. */
  | { readonly act: 'run'; readonly perSecond: number; readonly states?: boolean }
  | { readonly act: 'rest' };
/** How far behind its rate it was at worst, milliseconds: more than a few and the figures are those of the bench. */
export interface Fed {
  readonly lateMs: number;
}
