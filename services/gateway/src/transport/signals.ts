import type { SocketCode } from '@tradesense/contracts';

/** Why a request was turned away before there was a connection. */
export const TURNED_AWAY = ['origin', 'draining', 'in_all', 'per_address', 'protocol'] as const;
export type TurnedAway = (typeof TURNED_AWAY)[number];

/** Why a handshake is refused, and what the client is told. */
export const HANDSHAKE_REFUSALS = {
  unauthorized: 'unauthorized',
  /** A token of a service: it posts trades and watches none. */
  no_user: 'unauthorized',
  token_expired: 'token_expired',
  revoked: 'unauthorized',
  /** Kafka is away, and with it who was revoked lately. */
  access_unknown: 'unavailable',
  keys_unavailable: 'unavailable',
  admission: 'unavailable',
  per_user: 'too_many_connections',
  second_connect: 'invalid_request',
  /** The client did not wait for the answer. */
  gone: 'unavailable',
  fault: 'unavailable',
} as const satisfies Record<string, SocketCode>;
export type HandshakeRefusal = keyof typeof HANDSHAKE_REFUSALS;

/** Why a connection ended. `client`: it left, or its network did; `silent`: it never said who it is. */
export type EndCause =
  | 'client'
  | 'transport_error'
  | 'unread'
  | 'unanswered'
  | 'forged_pong'
  | 'rate_limited'
  | 'too_many_bytes'
  | 'message_too_big'
  | 'silent'
  | 'token_expired'
  | 'forbidden'
  | 'revoked'
  | 'refused'
  | 'protocol'
  | 'going_away';

/** What a connection was. */
export interface Session {
  /** Since its handshake; undefined: it never came that far. */
  readonly lastedMs: number | undefined;
  /** Written, and nobody knows whether it was read. */
  readonly unackedBytes: number;
}

/** What is counted; nothing here changes what happens. */
export interface TransportSignals {
  /** Turned away before there was a connection. */
  turnedAway(reason: TurnedAway): void;
  handshake(result: 'ok' | HandshakeRefusal): void;
  request(name: 'join_challenge' | 'leave_challenge' | 'refresh_token' | 'other', result: 'ok' | SocketCode): void;
  /** A client came back after so long. */
  returned(awayMs: number): void;
  ended(cause: EndCause, session: Session): void;
}
