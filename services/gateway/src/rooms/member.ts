import { compareCursors, isBeyond, type Cursor, type SnapshotReason } from '@tradesense/contracts';

import {
  conflatedFrame,
  freshnessPacket,
  joinedPacket,
  snapshotPacket,
  type Frame,
  type Packet,
} from '../frame/index.js';
import type { Occupant, Room } from './room.js';
import type { Standing } from './standing.js';

export interface JoinRequest {
  readonly cursor: Cursor | undefined;
  /** Without a cursor: begin so many frames before the ring's head. */
  readonly history: number;
}

/** Whoever sends what a member is due. */
export interface NewsListener {
  news(member: Member): void;
  evicted(member: Member): void;
}

/** What a member is to be sent next, and where it stands once that has been sent. */
export interface Due {
  readonly packet: Packet;
  readonly sent: Cursor;
  readonly owed: SnapshotReason | undefined;
  readonly told: Standing | undefined;
  /** For counting. */
  readonly join?: 'recovered' | SnapshotReason;
  readonly snapshot?: SnapshotReason;
  readonly frame?: Frame;
  readonly collapsed?: number;
}

/** Before everything: whoever was sent nothing yet. */
export const NOWHERE: Cursor = { epoch: -1, sequence: -1 };

/**
 * One socket in one room, and the one rule by which it joins, recovers, lives and lags (design 8.3). All that is remembered is
 * `sent`, the last event it was sent or had itself, and whether it is owed a snapshot:
 *
 *   M1 a frame goes out only if prev <= sent < sequence; then sent is at its sequence
 *   M2 if the ring can't continue from sent, a snapshot is owed
 *   M3 an owed snapshot goes out as soon as the state is beyond sent and reaches the ring's base; no frame before it
 *   M4 within an epoch sent never goes back
 *
 * Nothing is queued: `next` looks at room and ring at the moment there is space for it, so a member that could not be sent
 * anything for a while costs nothing meanwhile and gets the present, not the past. A join is answered the same way, so
 * that what it says and what follows are looked at in one moment (pitfall S12).
 */
export class Member implements Occupant {
  /** Its own, written over at each message: one that was kept of each would be copied by each collection of garbage. */
  readonly #sent = { ...NOWHERE };
  #owed: SnapshotReason | undefined;
  /** What freshness the client was told last. */
  #told: Standing | undefined;
  #request: JoinRequest | undefined;

  constructor(
    readonly room: Room,
    private readonly listener: NewsListener,
    request: JoinRequest,
  ) {
    this.#request = request;
  }

  get isOwed(): boolean {
    return this.#owed !== undefined || this.#request !== undefined;
  }

  /** The client asks again, from the cursor it has now. */
  rejoin(request: JoinRequest): void {
    this.#request = request;
    this.news();
  }

  news(): void {
    this.listener.news(this);
  }

  evicted(): void {
    this.listener.evicted(this);
  }

  /** @param conflates of a run of equity updates only the last is wanted */
  next(conflates: boolean): Due | undefined {
    if (this.#request !== undefined) return this.#joined(this.#request);
    this.#owed ??= whyNotFrom(this.room, this.#sent);
    const standing = this.#standing();
    const isNews = !isSame(standing, this.#told);
    // Being live is said behind the frames it speaks of, anything else before them; the first time at once.
    if (isNews && (this.#told === undefined || standing.state !== 'live')) return this.#tell(standing);
    const due = this.#owed === undefined ? this.#frame(conflates) : this.#snapshot(this.#owed);
    return due ?? (isNews ? this.#tell(standing) : undefined);
  }

  /** It was written. */
  took({ sent, owed, told }: Due): void {
    this.#request = undefined;
    this.#sent.epoch = sent.epoch;
    this.#sent.sequence = sent.sequence;
    this.#owed = owed;
    this.#told = told;
  }

  #joined(request: JoinRequest): Due {
    const { room } = this;
    const { challengeId, state } = room;
    const { epoch, sequence } = room.known ?? { epoch: 0, sequence: 0 };
    const body = { challenge_id: challengeId, epoch, sequence };
    const place = placeOf(room, request);
    const reason = place.reason;
    if (reason === undefined) {
      const packet = joinedPacket({ ...body, recovered: true }, undefined);
      return { packet, sent: place.sent, owed: undefined, told: undefined, join: 'recovered' };
    }
    const isReady = state !== undefined && mayReplace(room, place.sent);
    const packet = joinedPacket({ ...body, recovered: false, reason }, isReady ? state.body : undefined);
    if (!isReady) return { packet, sent: place.sent, owed: reason, told: undefined, join: reason };
    const sent = place.from ?? cursorOf(state);
    return { packet, sent, owed: undefined, told: undefined, join: reason, snapshot: reason };
  }

  #frame(conflates: boolean): Due | undefined {
    const { ring } = this.room;
    const next = ring?.epoch === this.#sent.epoch ? ring.beyond(this.#sent.sequence, conflates) : undefined;
    if (next === undefined) return undefined;
    const { frame, collapsed } = next;
    const packet = collapsed === 0 ? frame : conflatedFrame(frame, this.#sent.sequence);
    return { packet, sent: frame, owed: undefined, told: this.#told, frame, collapsed };
  }

  #snapshot(owed: SnapshotReason): Due | undefined {
    const { room } = this;
    const { challengeId, state } = room;
    if (state === undefined || !mayReplace(room, this.#sent)) return undefined;
    const sent = cursorOf(state);
    const packet = snapshotPacket({ challenge_id: challengeId, ...sent, reason: owed }, state.body);
    return { packet, sent, owed: undefined, told: this.#told, snapshot: owed };
  }

  /** The room's, unless this member lacks something that is not here yet. */
  #standing(): Standing {
    const { room } = this;
    const { standing } = room;
    if (this.#owed === undefined || mayReplace(room, this.#sent)) return standing;
    // Whoever was ahead of us lacks nothing once we have come as far.
    const isAbreast = this.#owed === 'behind' && compareCursors(room.known ?? NOWHERE, this.#sent) === 0;
    return isAbreast ? standing : { state: 'stale', asOf: standing.asOf, reason: 'behind' };
  }

  #tell(standing: Standing): Due {
    const { state, asOf, reason } = standing;
    const body = { challenge_id: this.room.challengeId, state, as_of: asOf };
    const packet = freshnessPacket(reason === undefined ? body : { ...body, reason });
    return { packet, sent: this.#sent, owed: this.#owed, told: standing };
  }
}

interface Place {
  readonly sent: Cursor;
  /** Why frames alone will not do; undefined: they will. */
  readonly reason: SnapshotReason | undefined;
  /** Where frames begin although a snapshot beyond them is given too: the history that was asked for. */
  readonly from?: Cursor;
}

/** Where a client that joins stands. */
function placeOf(room: Room, { cursor, history }: JoinRequest): Place {
  if (cursor === undefined) return { sent: NOWHERE, reason: 'no_cursor', ...historyOf(room, history) };
  const ahead = compareCursors(cursor, room.known ?? NOWHERE);
  if (ahead === 0) return { sent: cursor, reason: undefined };
  if (ahead > 0) return { sent: cursor, reason: 'behind' };
  if (cursor.epoch !== room.known?.epoch) return { sent: cursor, reason: 'epoch' };
  return { sent: cursor, reason: whyNotFrom(room, cursor) };
}

function historyOf({ ring, state }: Room, history: number): { readonly from?: Cursor } {
  if (history === 0 || ring === undefined || state === undefined || ring.epoch !== state.epoch || ring.length === 0)
    return {};
  return { from: { epoch: ring.epoch, sequence: Math.min(ring.before(history), state.sequence) } };
}

/** Why a ring can't continue from there; undefined where it can, or will: events may be behind a state. */
function whyNotFrom(room: Room, sent: Cursor): SnapshotReason | undefined {
  const { ring, ringIsRestart, epoch } = room;
  // History was rewound: what the ring still has of the former one may never have happened.
  if (epoch > sent.epoch) return 'epoch';
  if (isBeyond(room.overdue ?? NOWHERE, sent)) return ring === undefined ? 'too_old' : 'gap';
  if (ring === undefined || ring.epoch < sent.epoch || sent.sequence >= ring.base) return undefined;
  return ringIsRestart && sent.sequence < ring.start.sequence ? 'gap' : 'too_old';
}

/** Whether the state may stand in for what is missing (M3). */
function mayReplace({ state, ring }: Room, sent: Cursor): boolean {
  if (state === undefined || !isBeyond(state, sent)) return false;
  return ring === undefined || compareCursors(state, { epoch: ring.epoch, sequence: ring.base }) >= 0;
}

const cursorOf = ({ epoch, sequence }: Cursor): Cursor => ({ epoch, sequence });
const isSame = (a: Standing, b: Standing | undefined): boolean => a.state === b?.state && a.reason === b.reason;
