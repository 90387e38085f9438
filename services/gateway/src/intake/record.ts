import {
  HEADER,
  REQUIRED_HEADERS,
  SOCKET_EVENT,
  STATE_TYPE,
  USER_ID_MAX_LENGTH,
  isChallengeId,
  isEventType,
  type ChallengeId,
  type Cursor,
  type UserId,
} from '@tradesense/contracts';
import type { IncomingRecord } from '@tradesense/kafka';

import { eventFrame, payloadOf, type Frame } from '../frame/index.js';
import { isBodyOf, isFlatBodyOf } from './body.js';

interface OfChallenge {
  readonly challengeId: ChallengeId;
  readonly partition: number;
  /** Who owned the challenge at this event or state. */
  readonly userId: UserId;
}
export interface IncomingEvent extends OfChallenge {
  readonly frame: Frame;
}
export interface IncomingState extends OfChallenge, Cursor {
  /** JSON as the trade service wrote it; a copy of our own. */
  readonly body: Buffer;
  /** When the database had it, milliseconds since 1970. */
  readonly committedAtMs: number;
}

export type SpoiltWhy = 'key' | 'headers' | 'size' | 'body';

export type Fact =
  | { readonly is: 'event'; readonly event: IncomingEvent }
  | { readonly is: 'state'; readonly state: IncomingState }
  /** The challenge's state was taken out of the compacted topic. */
  | { readonly is: 'tombstone'; readonly challengeId: ChallengeId }
  /** Something was said about this challenge, or about some challenge of the partition, that can't be passed on. */
  | { readonly is: 'spoilt'; readonly challengeId: ChallengeId | undefined; readonly why: SpoiltWhy };

/** What the outbox lets in (design 5.2). */
const MAX_BYTES = { events: 16 * 1024, state: 48 * 1024 };

/**
 * Reads a record of the events or the state topic. One that lacks a header, is too large or is not the JSON it says it is
 * must never reach a page: a body that does not parse would close the sockets of everybody in its room, again and again.
 */
export function readRecord(record: IncomingRecord, stream: 'events' | 'state'): Fact {
  const { partition, value, timestampMs } = record;
  const key = record.key?.toString('latin1');
  const challengeId = isChallengeId(key) ? key : undefined;
  if (challengeId === undefined) return spoilt(challengeId, 'key');
  if (value === null) return stream === 'state' ? { is: 'tombstone', challengeId } : spoilt(challengeId, 'body');
  if (value.length > MAX_BYTES[stream]) return spoilt(challengeId, 'size');
  const facts = readHeaders(record.headers);
  if (facts === undefined) return spoilt(challengeId, 'headers');
  const { userId, epoch, sequence, type, committedAtMs } = facts;
  if (stream === 'state') {
    if (type !== STATE_TYPE) return spoilt(challengeId, 'headers');
    if (!isBodyOf(challengeId, facts, value)) return spoilt(challengeId, 'body');
    const body = Buffer.allocUnsafeSlow(value.length);
    value.copy(body);
    return { is: 'state', state: { challengeId, partition, userId, epoch, sequence, body, committedAtMs } };
  }
  if (!isEventType(type) || sequence === 0) return spoilt(challengeId, 'headers');
  const name = SOCKET_EVENT[type];
  const frame = eventFrame({ name, epoch, sequence, committedAtMs, storedAtMs: timestampMs }, value);
  if (!isFlatBodyOf(challengeId, facts, payloadOf(frame)) && !isBodyOf(challengeId, facts, value))
    return spoilt(challengeId, 'body');
  return { is: 'event', event: { challengeId, partition, userId, frame } };
}

const spoilt = (challengeId: ChallengeId | undefined, why: SpoiltWhy): Fact => ({ is: 'spoilt', challengeId, why });

interface Headers extends Cursor {
  readonly type: string;
  readonly userId: UserId;
  readonly committedAtMs: number;
}

function readHeaders(headers: IncomingRecord['headers']): Headers | undefined {
  for (const name of REQUIRED_HEADERS) if (!headers.has(name)) return undefined;
  const epoch = countOf(headers.get(HEADER.epoch) ?? '');
  const sequence = countOf(headers.get(HEADER.sequence) ?? '');
  const userId = headers.get(HEADER.userId) ?? '';
  const committedAtMs = Date.parse(headers.get(HEADER.time) ?? '');
  if (epoch === undefined || sequence === undefined || Number.isNaN(committedAtMs)) return undefined;
  if (userId === '' || userId.length > USER_ID_MAX_LENGTH) return undefined;
  return { type: headers.get(HEADER.type) ?? '', userId: userId as UserId, epoch, sequence, committedAtMs };
}

const MAX_DIGITS = 16;
const ZERO = 0x30;
/** Of digits alone. */
function countOf(text: string): number | undefined {
  if (text === '' || text.length > MAX_DIGITS) return undefined;
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    count = count * 10 + digit;
  }
  return Number.isSafeInteger(count) ? count : undefined;
}
