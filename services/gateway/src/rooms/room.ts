import { compareCursors, isBeyond, type ChallengeId, type Cursor, type UserId } from '@tradesense/contracts';

import type { IncomingEvent, IncomingState } from '../intake/index.js';
import type { FrameStore } from './frame-store.js';
import { gate } from './gate.js';
import { RING_LIMITS, Ring, type RingLimits } from './ring.js';
import type { Standing, Standings } from './standing.js';

/** What is counted; nothing here changes what happens. */
export interface RoomSignals {
  accepted(): void;
  duplicate(): void;
  gap(why: GapWhy): void;
  /** So many frames of a full ring went, conflated or dropped. */
  thinned(frames: number): void;
}
export type GapWhy = 'sequence' | 'epoch' | 'doubt';

/** A member, as far as its room knows it. */
export interface Occupant {
  /** There may be something to send. */
  news(): void;
  /** The challenge is somebody else's from now on. */
  evicted(): void;
  /** It waits for a state. */
  readonly isOwed: boolean;
}

/** What all rooms share. */
export interface Shared {
  readonly store: FrameStore;
  readonly standings: Standings;
  readonly signals: RoomSignals;
  /** Of each partition, how often it lost events of which nobody can say whose they were. */
  readonly losses: readonly number[];
  readonly limits?: RingLimits;
}

const NOBODY: readonly Occupant[] = [];
const NEVER = -1;
/** Not even sure of no loss at all. */
const IN_DOUBT = -1;

/**
 * One challenge as this gateway knows it. Events make the ring; the state stands beside it and never moves its head, because
 * the two topics are read at their own speed: a state may come before the last event it contains, or long after.
 *
 * The owner is whoever the newest record names. When that changes, members go and the ring and the state with them before
 * anything is delivered: what happened to the former owner is none of the new one's business (promise 4).
 *
 * When records are lost that may have been this room's, the room is in doubt: the next event tells by its number whether one is
 * missing, but there may be no next event. So until it comes a room in doubt believes each state beyond its head and begins its
 * ring anew there; members then get a snapshot, at worst one that was not needed. After a loss in its partition a room is in
 * doubt from that moment on; it looks at the state it has when its turn comes (`revisit`), and is not live before.
 */
export class Room {
  #owner: UserId | undefined;
  /** What named it last. Not the record itself, which may be gone from everywhere else. */
  #ownedEpoch = NEVER;
  #ownedSequence = NEVER;
  #state: IncomingState | undefined;
  #ring: Ring | undefined;
  #ringIsRestart = false;
  /** Of the losses of its partition, those that are known to have taken nothing of it, or to have been noticed. */
  #sureOf: number;
  /** An owner's sockets, so nearly always none or one; made anew when one comes or goes. */
  #members = NOBODY;

  constructor(
    readonly challengeId: ChallengeId,
    readonly partition: number,
    private readonly shared: Shared,
  ) {
    this.#sureOf = this.#losses;
  }

  get owner(): UserId | undefined {
    return this.#owner;
  }
  get state(): IncomingState | undefined {
    return this.#state;
  }
  get ring(): Ring | undefined {
    return this.#ring;
  }
  /** A ring that began anew because something is missing before it; not the room's first. */
  get ringIsRestart(): boolean {
    return this.#ringIsRestart;
  }
  get standing(): Standing {
    const standing = this.shared.standings.of(this.challengeId, this.partition);
    if (standing.state !== 'live' || !this.#isInDoubt || !this.#lacksEvents) return standing;
    return { state: 'stale', asOf: standing.asOf, reason: 'behind' };
  }
  get members(): readonly Occupant[] {
    return this.#members;
  }
  /** The state, once none of the events that it speaks of and that are not here is still to come. */
  get overdue(): IncomingState | undefined {
    return this.#state !== undefined && this.#lacksEvents && this.#isSettled(this.#state) ? this.#state : undefined;
  }
  /** Nothing would be missed if it were forgotten: what is gone from here is gone for everybody. */
  get isHollow(): boolean {
    if (this.#state !== undefined || this.members.length > 0) return false;
    return this.#ring === undefined ? !this.#isInDoubt : this.#ring.length === 0;
  }

  /** The last accepted event. */
  get head(): Cursor | undefined {
    return this.#ring && { epoch: this.#ring.epoch, sequence: this.#ring.head };
  }

  /** The greater of head and state; undefined before anything was heard. */
  get known(): Cursor | undefined {
    const { head } = this;
    const state = this.#state;
    if (state === undefined || head === undefined) return state ?? head;
    return isBeyond(state, head) ? state : head;
  }

  /** That of `known`; before anything was heard, before all. */
  get epoch(): number {
    return Math.max(this.#state?.epoch ?? NEVER, this.#ring?.epoch ?? NEVER);
  }

  enter(member: Occupant): void {
    this.#members = [...this.#members, member];
  }

  leave(member: Occupant): void {
    this.#members = this.#members.filter((other) => other !== member);
  }

  acceptEvent({ userId, frame }: IncomingEvent): void {
    const verdict = gate(this.head, frame);
    if (verdict === 'duplicate') return this.shared.signals.duplicate();
    const isOfOwner = this.#admitOwner(userId, frame);
    if (verdict === 'gap') this.#gap({ epoch: frame.epoch, sequence: frame.sequence - 1 }, this.#whyGap(frame));
    if (!isOfOwner) return this.#restart(frame); // a former owner's, late
    this.#ring ??= this.#ringFrom({ epoch: frame.epoch, sequence: frame.sequence - 1 });
    const thinned = this.#ring.push(frame);
    if (thinned > 0) this.shared.signals.thinned(thinned);
    this.#sureOf = this.#losses;
    this.shared.signals.accepted();
    this.tell();
  }

  acceptState(state: IncomingState): void {
    if (this.#state !== undefined && compareCursors(state, this.#state) < 0) return;
    const isNewEpoch = state.epoch > (this.known?.epoch ?? state.epoch);
    if (!this.#admitOwner(state.userId, state)) return; // a former owner's, late
    if (this.#ring === undefined) this.#expect(state);
    this.#state = state;
    if (this.#isInDoubt) this.#resolveDoubt();
    for (const member of this.members) if (isNewEpoch || member.isOwed) member.news();
  }

  /** Events or states of this challenge may be missing. */
  doubt(): void {
    this.#sureOf = IN_DOUBT;
    this.#resolveDoubt();
  }

  /** Something concerned all rooms of its partition. */
  revisit(): void {
    if (this.#isInDoubt) this.#resolveDoubt();
    this.tell();
  }

  /** The challenge's state was taken out of the topic: it ended long ago. */
  forget(): void {
    this.#state = undefined;
  }

  tell(): void {
    for (const member of this.members) member.news();
  }

  #isSettled({ committedAtMs }: IncomingState): boolean {
    return committedAtMs < this.shared.standings.settledBeforeMs(this.partition);
  }

  /** A state ahead of its events: they begin behind the last one of which nothing is to come, so whoever has that can wait. */
  #expect(state: IncomingState): void {
    const { overdue } = this;
    if (overdue !== undefined && !this.#isSettled(state)) this.#ring = this.#ringFrom(overdue);
  }

  #admitOwner(userId: UserId, at: Cursor): boolean {
    if (!isBeyond(at, { epoch: this.#ownedEpoch, sequence: this.#ownedSequence })) return this.#owner === userId;
    this.#ownedEpoch = at.epoch;
    this.#ownedSequence = at.sequence;
    if (this.#owner === userId) return true;
    const isFirst = this.#owner === undefined;
    this.#owner = userId;
    if (!isFirst) this.#changeHands();
    return true;
  }

  #changeHands(): void {
    const { head } = this;
    if (head !== undefined) this.#restart(head);
    this.#state = undefined;
    const { members } = this;
    this.#members = NOBODY;
    for (const member of members) member.evicted();
  }

  get #losses(): number {
    return this.shared.losses[this.partition] ?? 0;
  }
  get #isInDoubt(): boolean {
    return this.#sureOf < this.#losses;
  }
  /** What the state speaks of has not come; in doubt, nobody can say that it will. */
  get #lacksEvents(): boolean {
    const state = this.#state;
    const ring = this.#ring;
    if (state === undefined || ring === undefined) return state !== undefined;
    // Looked at for each message: no object is made for it.
    return state.epoch === ring.epoch ? state.sequence > ring.head : state.epoch > ring.epoch;
  }

  #resolveDoubt(): void {
    if (this.#state === undefined || !this.#lacksEvents) return;
    this.#gap(this.#state, 'doubt');
    this.tell();
  }

  #gap(start: Cursor, why: GapWhy): void {
    this.shared.signals.gap(why);
    this.#restart(start);
  }

  #whyGap({ epoch }: Cursor): GapWhy {
    return epoch === this.#ring?.epoch ? 'sequence' : 'epoch';
  }

  #restart(start: Cursor): void {
    this.#ring?.clear();
    this.#ring = this.#ringFrom({ epoch: start.epoch, sequence: start.sequence });
    this.#ringIsRestart = true;
  }

  #ringFrom(start: Cursor): Ring {
    return new Ring(start, this.shared.store, this.shared.limits ?? RING_LIMITS);
  }
}
