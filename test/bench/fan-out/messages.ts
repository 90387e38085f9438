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
  /** What came since it was last told to forget, or asked this. */
  | { readonly act: 'read' }
  /** Without reckoning what came before, which takes time in which nothing is heard. */
  | { readonly act: 'forget' }
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
  /** The state of each seat, as of its last event: whoever joins then begins there. */
  | { readonly act: 'tell-states' }
  | { readonly act: 'rest' };
/** How far behind its rate it was at worst, milliseconds: more than a few and the figures are those of the bench. */
export interface Fed {
  readonly lateMs: number;
}
