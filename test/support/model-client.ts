import type { Cursor, JoinedChallenge, Snapshot, UserId } from '@tradesense/contracts';

import type { Message } from './gateway-room.js';

/** What really happened, for whoever checks what was told of it. */
export interface Truth {
  /** Whether the event was an equity update, which a later one may stand in for. */
  isEquity(at: Cursor): boolean;
  /** Whose the challenge was at that event. */
  ownerAt(at: Cursor): UserId | undefined;
}

/**
 * What a page does (design 9), in the fewest words, for one user and one challenge. Throws at anything it should not have been
 * sent, so that whoever drives it need only drive.
 */
export class ModelClient {
  cursor: Cursor | undefined;
  isJoined = false;
  lastSaid: string | undefined;
  answer: JoinedChallenge | undefined;
  /** Each event it made use of, in order. */
  readonly handled: Cursor[] = [];
  bridged = 0;
  snapshots = 0;
  /** Snapshots in place of what a join had just promised to be exact. */
  partial = 0;
  #promisedTo: number | undefined;
  /** History was asked for: frames before the snapshot may come, in order. */
  #pastTo: number | undefined;

  constructor(
    private readonly truth?: Truth,
    private readonly userId?: UserId,
  ) {}

  join(cursor: Cursor | undefined, history = 0): void {
    this.cursor = cursor;
    this.isJoined = false;
    this.#promisedTo = undefined;
    this.#pastTo = cursor === undefined && history > 0 ? -1 : undefined;
  }

  take({ name, body, bridge }: Message): void {
    if (name === 'joined_challenge') return this.#joined(body as unknown as JoinedChallenge);
    if (!this.isJoined) throw new Error(`${name} before joined_challenge`);
    if (name === 'freshness') this.lastSaid = body['state'] as string;
    else if (name !== 'snapshot') this.#event(name, body as unknown as Cursor, bridge?.prev_sequence);
    else {
      this.#snapshot((body as unknown as Snapshot).state);
      if (this.#promisedTo !== undefined) this.partial += 1;
      this.#promisedTo = undefined;
    }
  }

  #joined(answer: JoinedChallenge): void {
    const { snapshot, recovered, reason } = answer;
    if (this.isJoined) throw new Error('joined twice');
    if (recovered !== (reason === undefined)) throw new Error('a reason only where it was not recovered');
    if (recovered && this.cursor === undefined) throw new Error('recovered, from nowhere');
    if (recovered && snapshot !== undefined) throw new Error('recovered, and a snapshot all the same');
    this.isJoined = true;
    this.answer = answer;
    if (snapshot !== undefined) this.#snapshot(snapshot);
    if (recovered && this.cursor !== undefined && this.cursor.sequence < answer.sequence)
      this.#promisedTo = answer.sequence;
  }

  #snapshot({ epoch, sequence }: Cursor): void {
    const { cursor } = this;
    this.#mayRead({ epoch, sequence });
    if (cursor?.epoch === epoch && sequence < cursor.sequence) throw new Error('a snapshot before the cursor');
    if (cursor !== undefined && epoch < cursor.epoch) throw new Error('a snapshot of an older epoch');
    this.snapshots += 1;
    this.cursor = { epoch, sequence };
  }

  #event(name: string, { epoch, sequence }: Cursor, bridgeFrom: number | undefined): void {
    const prev = bridgeFrom ?? sequence - 1;
    const { cursor } = this;
    const at = { epoch, sequence };
    this.#mayRead(at);
    if (cursor === undefined) throw new Error(`${sequence} before there is a cursor`);
    if (epoch !== cursor.epoch) throw new Error(`${sequence} of another epoch`);
    if (bridgeFrom !== undefined && (name !== 'equity_updated' || prev >= sequence - 1))
      throw new Error(`${name} ${sequence} stands in for what follows ${prev}`);
    if (this.#pastTo !== undefined && sequence <= cursor.sequence) {
      if (sequence <= this.#pastTo) throw new Error(`history went back to ${sequence}`);
      this.#pastTo = sequence;
      return;
    }
    if (sequence <= cursor.sequence) throw new Error(`${sequence} again, the cursor is ${cursor.sequence}`);
    if (prev > cursor.sequence) throw new Error(`${sequence} follows ${prev}, the cursor is ${cursor.sequence}`);
    for (let skipped = cursor.sequence + 1; skipped < sequence; skipped += 1)
      if (this.truth?.isEquity({ epoch, sequence: skipped }) === false)
        throw new Error(`${skipped} is no equity update, and ${sequence} stands in for it`);
    if (bridgeFrom !== undefined) this.bridged += 1;
    this.cursor = at;
    this.handled.push(at);
    if (this.#promisedTo !== undefined && sequence >= this.#promisedTo) this.#promisedTo = undefined;
  }

  #mayRead(at: Cursor): void {
    if (this.truth === undefined || this.truth.ownerAt(at) === this.userId) return;
    throw new Error(`${at.epoch}/${at.sequence} is of ${this.truth.ownerAt(at)}, not of ${this.userId}`);
  }
}
