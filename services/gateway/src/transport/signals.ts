import type { SocketCode } from '@tradesense/contracts';

/** Why a connection ended. `client`: it left, or its network did. */
export type EndCause =
  | 'client'
  | 'transport_error'
  | 'unread'
  | 'unanswered'
  | 'forged_pong'
  | 'rate_limited'
  | 'token_expired'
  | 'forbidden'
  | 'refused'
  | 'protocol'
  | 'going_away';

/** What is counted; nothing here changes what happens. */
export interface TransportSignals {
  /** Turned away before there was a connection. */
  turnedAway(code: SocketCode): void;
  handshake(result: 'ok' | SocketCode): void;
  request(name: 'join_challenge' | 'leave_challenge' | 'refresh_token' | 'other', result: 'ok' | SocketCode): void;
  /** A client came back after so long. */
  returned(awayMs: number): void;
  ended(cause: EndCause): void;
}
