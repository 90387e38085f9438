import { CHALLENGE_PARTITIONS, type ChallengeId, type Cursor, type UserId } from '@tradesense/contracts';
import { Page, inSlices, systemClock, turn, type Clock } from '@tradesense/platform';

import type { FactSink, IncomingEvent, IncomingState } from '../intake/index.js';
import { FrameStore } from './frame-store.js';
import type { RingLimits } from './ring.js';
import { Room, type RoomSignals, type Shared } from './room.js';
import { Standings, type Standing } from './standing.js';

export interface RoomsOptions {
  readonly signals: RoomSignals;
  /** All rings together. */
  readonly ringBytes: number;
  readonly ringLimits?: RingLimits;
  readonly clock?: RoomsClock;
}

type RoomsClock = Pick<Clock, 'now' | 'monotonicMs'>;

interface Waiter {
  readonly userId: UserId;
  readonly give: (room: Room | undefined) => void;
}

const OLDEST_FRAME_MS = 15 * 60_000;
/** Of the rooms, so many are looked through for old frames at a time, or a sixtieth where that is more. */
const SWEPT_AT_LEAST = 1_000;
const SWEEPS_PER_ROUND = 60;
/** For so many sweeps, a second each, after a loss of events a challenge first heard of may have lost some too. */
const DOUBTFUL_SWEEPS = 60;
/**
 * Once the rings hold so much of what they may, frames go until they hold so much: a good deal, that it does not happen at every
 * frame, and early, since it takes many turns of the event loop in which more frames come.
 */
const RECLAIMS_FROM = 0.95;
const RECLAIMS_TO = 0.85;
const ALL_PARTITIONS = Array.from({ length: CHALLENGE_PARTITIONS }, (_, partition) => partition);

/**
 * All challenges this gateway has heard of, whether anybody looks at them or not.
 *
 * What concerns many of them is done in slices, with turns of the event loop between (design 8.4), so anything may happen
 * meanwhile: rooms come and go, members join, a stale partition is live again. What is so is therefore written down first, where
 * every room looks it up (`Standings`, `losses`); the slices only make rooms look. Whoever they come too late for has
 * looked already, and whoever looks twice finds nothing new.
 */
export class Rooms implements FactSink {
  readonly #rooms = new Map<ChallengeId, Room>();
  readonly #waiters = new Map<ChallengeId, Set<Waiter>>();
  readonly #store: FrameStore;
  readonly #standings: Standings;
  readonly #shared: Shared;
  /** Partitions that lost events lately, and for how many sweeps more they count as such. */
  readonly #lossy = new Map<number, number>();
  readonly #losses: number[] = [];
  readonly #clock: RoomsClock;
  /** Partitions whose rooms are to look, as soon as it is their turn. */
  #unseen = new Set<number>();
  #isRevisiting = false;
  #isReclaiming = false;
  #sweeping: IterableIterator<Room> | undefined;

  constructor(private readonly options: RoomsOptions) {
    const { signals, ringBytes, ringLimits, clock = systemClock } = options;
    this.#clock = clock;
    this.#store = new FrameStore(ringBytes);
    this.#standings = new Standings(clock.now() - OLDEST_FRAME_MS);
    this.#shared = {
      store: this.#store,
      standings: this.#standings,
      signals,
      losses: this.#losses,
      ...(ringLimits === undefined ? {} : { limits: ringLimits }),
    };
  }

  get size(): number {
    return this.#rooms.size;
  }
  /** Challenges that somebody waits for, who may join them once they are known to be his. */
  get awaited(): number {
    return this.#waiters.size;
  }
  get ringBytes(): number {
    return this.#store.bytes;
  }

  // What intake tells.

  event(event: IncomingEvent): void {
    const room = this.#roomOf(event);
    room.acceptEvent(event);
    if (this.#store.bytes > this.options.ringBytes * RECLAIMS_FROM && !this.#isReclaiming) void this.#reclaim();
    if (this.#waiters.size > 0) this.#answerWaiters(room);
  }

  state(state: IncomingState): void {
    const room = this.#roomOf(state);
    room.acceptState(state);
    if (this.#waiters.size > 0) this.#answerWaiters(room);
  }

  tombstone(challengeId: ChallengeId): void {
    const room = this.#rooms.get(challengeId);
    if (room === undefined) return;
    room.forget();
    if (room.members.length > 0) return;
    room.ring?.clear();
    this.#rooms.delete(challengeId);
  }

  /** Also of a challenge that is not known yet: its state may come later and speak of an event that never will. */
  spoilt(challengeId: ChallengeId, partition: number): void {
    this.#roomOf({ challengeId, partition }).doubt();
  }

  lost(partition: number): void {
    this.#lossy.set(partition, DOUBTFUL_SWEEPS);
    this.#losses[partition] = (this.#losses[partition] ?? 0) + 1;
    this.#revisit([partition]);
  }

  // What members ask.

  /**
   * The room, once it is known to be this user's: a challenge may be joined before its first record has arrived here. Undefined
   * when the time is over, for a challenge that is somebody else's exactly as for one that does not exist.
   */
  owned(challengeId: ChallengeId, userId: UserId, withinMs: number): Promise<Room | undefined> {
    const room = this.#rooms.get(challengeId);
    if (room?.owner === userId) return Promise.resolve(room);
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(challengeId) ?? new Set<Waiter>();
      this.#waiters.set(challengeId, waiters);
      const give = (found: Room | undefined): void => {
        clearTimeout(timer);
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(challengeId);
        resolve(found);
      };
      const waiter: Waiter = { userId, give };
      const timer = setTimeout(() => give(undefined), withinMs).unref();
      waiters.add(waiter);
    });
  }

  /** For operators: what is known here, in order of ids, beyond `after`. Looks through all rooms, a slice at a time. */
  async heads(after: string, limit: number): Promise<readonly ({ readonly challenge_id: ChallengeId } & Cursor)[]> {
    const page = new Page<{ readonly challenge_id: ChallengeId } & Cursor>(after, limit);
    const look = ({ challengeId: challenge_id, known }: Room): void => {
      if (known === undefined) return;
      page.offer(challenge_id, () => ({ challenge_id, epoch: known.epoch, sequence: known.sequence }));
    };
    await inSlices(this.#rooms.values(), look, this.#clock);
    return page.items;
  }

  standingOf(partition: number): Standing {
    return this.#standings.ofPartition(partition);
  }

  // What the freshness stage finds.

  stand(partition: number, standing: Standing): void {
    const before = this.#standings.ofPartition(partition);
    this.#standings.set(partition, standing);
    // Where only `asOf` moved on, whoever joins is told the newest, and nobody else anything.
    if (standing.state === before.state && standing.reason === before.reason) return;
    this.#revisit([partition]);
  }

  park(challengeIds: ReadonlySet<string> | 'many'): void {
    this.#standings.park(challengeIds);
    this.#revisit(ALL_PARTITIONS);
  }

  /** A part of the rooms gives up frames that are too old, and those go that hold nothing; called once a second. */
  sweep(nowMs: number): void {
    for (const [partition, left] of this.#lossy) {
      if (left > 1) this.#lossy.set(partition, left - 1);
      else this.#lossy.delete(partition);
    }
    const count = Math.max(SWEPT_AT_LEAST, Math.ceil(this.#rooms.size / SWEEPS_PER_ROUND));
    for (let swept = 0; swept < count; swept += 1) {
      const next = (this.#sweeping ??= this.#rooms.values()).next();
      if (next.done === true) {
        this.#sweeping = undefined;
        return;
      }
      const room = next.value;
      room.ring?.dropOlder(nowMs - OLDEST_FRAME_MS);
      if (room.overdue !== undefined) room.tell();
      if (room.isHollow) this.#rooms.delete(room.challengeId);
    }
  }

  #roomOf({ challengeId, partition }: Pick<IncomingState, 'challengeId' | 'partition'>): Room {
    let room = this.#rooms.get(challengeId);
    if (room === undefined) {
      room = new Room(challengeId, partition, this.#shared);
      this.#rooms.set(challengeId, room);
      if (this.#lossy.has(partition)) room.doubt();
    }
    return room;
  }

  #answerWaiters(room: Room): void {
    for (const waiter of [...(this.#waiters.get(room.challengeId) ?? [])])
      if (waiter.userId === room.owner) waiter.give(room);
  }

  #revisit(partitions: readonly number[]): void {
    for (const partition of partitions) this.#unseen.add(partition);
    if (!this.#isRevisiting) void this.#revisitUnseen();
  }

  async #revisitUnseen(): Promise<void> {
    this.#isRevisiting = true;
    while (this.#unseen.size > 0) {
      await turn(); // of several partitions at once in one go
      const partitions = this.#unseen;
      this.#unseen = new Set();
      const revisit = (room: Room): void => void (partitions.has(room.partition) && room.revisit());
      await inSlices(this.#rooms.values(), revisit, this.#clock);
    }
    this.#isRevisiting = false;
  }

  /** The oldest frames of all rings go, to the second: one pass finds how old, a second one drops. */
  async #reclaim(): Promise<void> {
    this.#isReclaiming = true;
    await turn();
    const bytesBySecond = new Map<number, number>();
    const count = ({ ring }: Room): void =>
      ring?.costs((storedAtMs, bytes) => {
        const second = Math.floor(storedAtMs / 1000);
        bytesBySecond.set(second, (bytesBySecond.get(second) ?? 0) + bytes);
      });
    await inSlices(this.#rooms.values(), count, this.#clock);
    let toFree = this.#store.bytes - this.options.ringBytes * RECLAIMS_TO;
    let beforeMs = 0;
    for (const [second, bytes] of [...bytesBySecond].sort(([a], [b]) => a - b)) {
      if (toFree <= 0) break;
      toFree -= bytes;
      beforeMs = (second + 1) * 1000;
    }
    await inSlices(this.#rooms.values(), ({ ring }) => ring?.dropOlder(beforeMs), this.#clock);
    this.#isReclaiming = false;
  }
}
