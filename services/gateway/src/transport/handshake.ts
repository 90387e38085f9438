import { bearerOf, type TokenVerifier } from '@tradesense/auth';
import { SOCKET_CODES, type Refusal, type SocketCode } from '@tradesense/contracts';
import type { Clock, Random } from '@tradesense/platform';
import type { Socket } from 'socket.io';

import { Admission, Pass, rateOf, type UserSeats } from '../access/index.js';
import type { Access } from '../revocation/index.js';
import type { Connection } from './connection.js';
import { scrubHandshake } from './scrub.js';
import { HANDSHAKE_REFUSALS, type HandshakeRefusal } from './signals.js';

export interface HandshakeOptions {
  readonly verifier: TokenVerifier;
  /** Also takes a token from the query string, as the seed's client sends it. */
  readonly allowQueryToken: boolean;
  readonly users: UserSeats;
  readonly access: Access;
  /** New connections a second; 0 is no limit. */
  readonly admissionPerSecond: number;
  readonly clock: Clock;
  readonly random: Random;
}

const RETRY_MS: Partial<Record<SocketCode, number>> = { unavailable: 1_000, too_many_connections: 5_000 };

/** Settles who somebody is, before there is any room to be in (pitfall S1). */
export class Handshake {
  readonly #admission: Admission | undefined;

  constructor(private readonly options: HandshakeOptions) {
    const { admissionPerSecond, clock, random } = options;
    const rate = rateOf(admissionPerSecond, admissionPerSecond);
    this.#admission = rate && new Admission(rate, random, clock.monotonicMs());
  }

  /** Undefined: let in. */
  async refusalOf(socket: Socket, connection: Connection): Promise<HandshakeRefusal | undefined> {
    const { clock, verifier, users, access } = this.options;
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
    const standing = access.standingOf(identity); // last, since nothing can come in between
    if (standing !== 'admitted') return standing === 'revoked' ? 'revoked' : 'access_unknown';
    connection.enter(socket, pass);
    return undefined;
  }

  /** A `connect_error` with what a client needs to know about trying again. */
  errorOf(refusal: HandshakeRefusal): Error & { readonly data: Refusal } {
    const code = HANDSHAKE_REFUSALS[refusal];
    const { message } = SOCKET_CODES[code];
    const retryMs = this.#retryMs(refusal);
    const retry = retryMs === undefined ? {} : { retry_after_ms: Math.round(retryMs) };
    return Object.assign(new Error(message), { data: { code, message, ...retry } });
  }

  #retryMs(refusal: HandshakeRefusal): number | undefined {
    const { clock, random } = this.options;
    if (refusal === 'admission') return this.#admission?.appointmentMs(clock.monotonicMs());
    const baseMs = RETRY_MS[HANDSHAKE_REFUSALS[refusal]];
    return baseMs === undefined ? undefined : baseMs + random.below(baseMs);
  }

  #tokenOf({ handshake }: Socket): unknown {
    const auth = handshake.auth as { readonly token?: unknown };
    const inQuery = this.options.allowQueryToken ? handshake.query['token'] : undefined;
    return auth.token ?? bearerOf(handshake.headers.authorization) ?? inQuery;
  }
}
