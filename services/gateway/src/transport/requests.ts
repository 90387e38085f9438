import type { TokenVerifier } from '@tradesense/auth';
import {
  SOCKET_CODES,
  isChallengeId,
  isCursor,
  type Answer,
  type ChallengeId,
  type SocketCode,
  type SocketError,
} from '@tradesense/contracts';
import type { Clock } from '@tradesense/platform';
import type { Socket } from 'socket.io';

import { partitionOfChallenge } from '../intake/index.js';
import { Member, type JoinRequest, type Rooms } from '../rooms/index.js';
import type { Access } from '../revocation/index.js';
import type { Connection } from './connection.js';
import type { TransportSignals } from './signals.js';

export interface RequestsOptions {
  readonly rooms: Rooms;
  readonly access: Access;
  readonly verifier: TokenVerifier;
  readonly signals: TransportSignals;
  readonly clock: Clock;
  /** Of a connection, joined or waited for; 0 is no limit. */
  readonly maxRooms: number;
  /** What went wrong with a request that nobody expected. */
  readonly failed: (error: unknown) => void;
}

type Result = 'ok' | SocketCode;
type Body = Readonly<Record<string, unknown>>;

const OWNER_WAIT_MS = 2_000;
const MAX_HISTORY = 200;

/**
 * What clients ask. Nest's own way is not taken: its pipes and filters lose acknowledgements, answer with what was sent,
 * and never see a payload of another shape (pitfalls S3-S6). Everything a socket sends comes through `take`, which catches all,
 * answers once, and answers nothing but a code.
 */
export class Requests {
  constructor(private readonly options: RequestsOptions) {}

  /** @param args what was sent, an acknowledgement last if there is one */
  async take(connection: Connection, socket: Socket, name: unknown, args: readonly unknown[]): Promise<void> {
    const last = args.at(-1);
    const acknowledge = typeof last === 'function' ? (last as (answer: Answer) => void) : undefined;
    const payload = acknowledge === undefined ? args : args.slice(0, -1);
    const body = payload.length === 1 && isBody(payload[0]) ? payload[0] : undefined;
    let result: Result;
    try {
      result = await this.#answer(connection, socket, name, body);
    } catch (error) {
      this.options.failed(error);
      result = 'unavailable';
    }
    if (!connection.isOpen) return;
    if (acknowledge !== undefined) acknowledge(answerOf(result));
    else if (result !== 'ok') socket.emit('error', errorOf(result, body));
    this.#afterAnswer(connection, name, result);
  }

  async #answer(connection: Connection, socket: Socket, name: unknown, body: Body | undefined): Promise<Result> {
    const { signals } = this.options;
    switch (name) {
      case 'join_challenge':
      case 'leave_challenge':
      case 'refresh_token': {
        const result = body === undefined ? 'invalid_request' : await this.#handle(name, connection, socket, body);
        signals.request(name, result);
        return result;
      }
      default:
        signals.request('other', 'unknown_event');
        return 'unknown_event';
    }
  }

  #handle(
    name: 'join_challenge' | 'leave_challenge' | 'refresh_token',
    connection: Connection,
    socket: Socket,
    body: Body,
  ): Result | Promise<Result> {
    if (name === 'join_challenge') return this.#join(connection, body);
    return name === 'leave_challenge' ? this.#leave(connection, socket, body) : this.#refresh(connection, body);
  }

  #afterAnswer(connection: Connection, name: unknown, result: Result): void {
    if (result === 'unknown_event' && !connection.toleratesUnknownEvent()) connection.close('protocol');
    // Another user's token on this one's socket: nothing more goes out on it (pitfall T4).
    if (result === 'forbidden' && name === 'refresh_token') connection.refuse('forbidden', 'forbidden');
  }

  async #join(connection: Connection, body: Body): Promise<Result> {
    const { rooms, access, signals, maxRooms } = this.options;
    const { pass } = connection;
    const join = readJoin(body);
    if (join === undefined) return 'invalid_request';
    if (pass === undefined) return 'unauthorized';
    const { challengeId, request, awayMs } = join;
    const isNew = !connection.members.has(challengeId);
    const isFull = maxRooms > 0 && connection.members.size + connection.joinsWaiting >= maxRooms;
    if (isNew && isFull) return 'too_many_rooms';
    connection.joinsWaiting += 1;
    const room = await rooms
      .owned(challengeId, pass.userId, OWNER_WAIT_MS)
      .finally(() => (connection.joinsWaiting -= 1));
    if (!connection.isOpen) return 'unavailable';
    // Looked at again, now that nothing can come in between (pitfall S12). For a foreign challenge all is as for an unknown one.
    if (room?.owner !== pass.userId) {
      return rooms.standingOf(partitionOfChallenge(challengeId)).state === 'live' ? 'forbidden' : 'unavailable';
    }
    const standing = access.standingAt(challengeId, pass.identity);
    if (standing !== 'admitted') return standing === 'revoked' ? 'forbidden' : 'unavailable';
    const member = connection.members.get(challengeId);
    if (member?.room === room) member.rejoin(request);
    else {
      const entering = new Member(room, connection.channel, request);
      connection.members.set(challengeId, entering);
      room.enter(entering);
      entering.news();
    }
    if (awayMs !== undefined) signals.returned(awayMs);
    return 'ok';
  }

  #leave(connection: Connection, socket: Socket, { challenge_id: challengeId }: Body): Result {
    if (!isChallengeId(challengeId)) return 'invalid_request';
    const member = connection.members.get(challengeId);
    if (member !== undefined) {
      member.room.leave(member);
      connection.channel.drop(member);
      connection.members.delete(challengeId);
    }
    socket.emit('left_challenge', { challenge_id: challengeId });
    return 'ok';
  }

  async #refresh(connection: Connection, { token }: Body): Promise<Result> {
    if (typeof token !== 'string') return 'invalid_request';
    const { verifier, access, clock } = this.options;
    const verification = await verifier.verify(token);
    if (!verification.ok) return verification.code;
    const { identity } = verification;
    const standing = identity.is === 'user' ? access.standingOf(identity) : 'admitted';
    if (standing !== 'admitted') return standing === 'revoked' ? 'unauthorized' : 'unavailable';
    return connection.pass?.renew(identity, clock.now()) ?? 'unauthorized';
  }
}

const isBody = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);

interface Join {
  readonly challengeId: ChallengeId;
  readonly request: JoinRequest;
  readonly awayMs: number | undefined;
}

function readJoin({ challenge_id: challengeId, cursor, history, reconnect_ms: awayMs }: Body): Join | undefined {
  if (!isChallengeId(challengeId)) return undefined;
  if (!isAbsent(cursor) && !isCursor(cursor)) return undefined;
  if (!isAbsent(history) && !isCountUpTo(MAX_HISTORY, history)) return undefined;
  if (!isAbsent(awayMs) && !(typeof awayMs === 'number' && awayMs >= 0)) return undefined;
  const at = isAbsent(cursor) ? undefined : { epoch: cursor.epoch, sequence: cursor.sequence };
  return { challengeId, request: { cursor: at, history: history ?? 0 }, awayMs: awayMs ?? undefined };
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;
const isCountUpTo = (limit: number, value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= limit;

const answerOf = (result: Result): Answer =>
  result === 'ok' ? { ok: true } : { ok: false, code: result, message: SOCKET_CODES[result].message };

function errorOf(code: SocketCode, body: Body | undefined): SocketError {
  const challengeId = body?.['challenge_id'];
  const { message } = SOCKET_CODES[code];
  return isChallengeId(challengeId) ? { code, message, challenge_id: challengeId } : { code, message };
}
