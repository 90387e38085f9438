import { bearerOf, type TokenVerifier } from '@tradesense/auth';
import { SOCKET_CODES, type Refusal, type SocketCode } from '@tradesense/contracts';
import type { Clock, Random } from '@tradesense/platform';
import type { Socket } from 'socket.io';

import { Bucket, Pass, rateOf, type UserSeats } from '../access/index.js';
import type { Connection } from './connection.js';
import { scrubHandshake } from './scrub.js';
import { HANDSHAKE_REFUSALS, type HandshakeRefusal } from './signals.js';

export interface HandshakeOptions {
  readonly verifier: TokenVerifier;
  /** Also takes a token from the query string, as the seed's client sends it. */
  readonly allowQueryToken: boolean;
  readonly users: UserSeats;
  /** New connections a second; 0 is no limit. */
  readonly admissionPerSecond: number;
  readonly clock: Clock;
  readonly random: Random;
}

const RETRY_MS: Partial<Record<SocketCode, number>> = { unavailable: 1_000, too_many_connections: 5_000 };

/** Settles who somebody is, before there is any room to be in (pitfall S1). */
export class Handshake {
  readonly #admission: Bucket | undefined;

  constructor(private readonly options: HandshakeOptions) {
    const { admissionPerSecond, clock } = options;
    const rate = rateOf(admissionPerSecond, admissionPerSecond);
    this.#admission = rate && new Bucket(rate, clock.monotonicMs());
  }

  /** Undefined: let in. */
  async refusalOf(socket: Socket, connection: Connection): Promise<HandshakeRefusal | undefined> {
    const { clock, verifier, users } = this.options;
    const token = this.#tokenOf(socket);
    scrubHandshake(socket);
    if (connection.connects > 1) return 'second_connect';
    if (this.#admission?.take(clock.monotonicMs()) === false) return 'admission';
    const verification = await verifier.verify(token);
    if (!verification.ok) return verification.code === 'unavailable' ? 'keys_unavailable' : verification.code;
    const { identity } = verification;
    if (identity.is !== 'user') return 'no_user';
    const pass = new Pass(identity);
    if (pass.at(clock.now()) === 'over') return 'token_expired'; // let through by the verifier's skew
    const leave = await users.take(identity.userId);
    if (leave === undefined) return 'per_user';
    connection.atEnd(leave); // at once, where it has ended meanwhile
    if (!connection.isOpen) return 'gone';
    connection.enter(socket, pass);
    return undefined;
  }

  /** A `connect_error` with what a client needs to know about trying again. */
  errorOf(refusal: HandshakeRefusal): Error & { readonly data: Refusal } {
    const code = HANDSHAKE_REFUSALS[refusal];
    const { message } = SOCKET_CODES[code];
    const baseMs = RETRY_MS[code];
    const retry =
      baseMs === undefined ? {} : { retry_after_ms: Math.round(baseMs + this.options.random.below(baseMs)) };
    return Object.assign(new Error(message), { data: { code, message, ...retry } });
  }

  #tokenOf({ handshake }: Socket): unknown {
    const auth = handshake.auth as { readonly token?: unknown };
    const inQuery = this.options.allowQueryToken ? handshake.query['token'] : undefined;
    return auth.token ?? bearerOf(handshake.headers.authorization) ?? inQuery;
  }
}
