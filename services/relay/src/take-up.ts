import { topicsOf } from '@tradesense/contracts';
import type { Ends, Publisher } from '@tradesense/kafka';

import { DatabaseClock, type Session } from './database/index.js';
import { Errands } from './errands.js';
import { StreamEpoch } from './history/index.js';
import type { LeaseHolder } from './lease/index.js';
import type { Leadership } from './metrics.js';
import type { RelayOptions } from './options.js';
import { Parking } from './parking/index.js';
import { Outlet } from './publishing/index.js';
import { Reader, type Row } from './reading/index.js';
import type { Standing } from './standing.js';
import { States } from './states/index.js';
import { Watermarks } from './watermarks/index.js';

/** What a leader has when it begins. */
export interface Taken {
  readonly owner: string;
  readonly lease: LeaseHolder;
  /** For reading. */
  readonly session: Session;
  /** For the outbox, and for watermarks. */
  readonly publishers: readonly [Publisher, Publisher];
  /** Where the logs ended after the lease was taken. */
  readonly ends: Ends;
  readonly endsNow: (topic: string) => Promise<ReadonlyMap<number, bigint>>;
  /** The end of its leading. */
  readonly signal: AbortSignal;
  /** The end of a send that is outstanding then. */
  readonly sending: AbortSignal;
}

/** Builds all that one leader runs on, from the saved floor, and what readiness and metrics ask of it from now on. */
export async function takeUp(options: RelayOptions, taken: Taken) {
  const { topicPrefix, wake, metrics, clock, nextDelayMs, log } = options;
  const { owner, lease, session, publishers, ends, endsNow, signal, sending } = taken;
  const topics = topicsOf(topicPrefix);
  const leader = { owner, generation: lease.generation ?? 0n };
  const databaseClock = new DatabaseClock(clock);
  const now = (): number => databaseClock.now();
  const mustBeTrusted = (): void => lease.mustBeTrusted();
  const sendRows = async (rows: readonly Row[]): Promise<void> => watermarks.raise(await publishing.send(rows));

  const reading = new Reader({ session, wake, clock, databaseClock, metrics, floor: lease.floor, signal });
  const parking = await Parking.load({
    session,
    leader,
    send: sendRows,
    more: () => wake.now(),
    perMinute: options.parkPerMinute,
    clock,
    now,
    metrics,
    log,
  });
  const epoch = new StreamEpoch({ session, clock, metrics, raised: (to) => parking.dropBelow(to) });
  const publishing = new Outlet({
    publisher: publishers[0],
    topicPrefix,
    gate: parking,
    clock,
    databaseClock,
    metrics,
    log,
    mustBeTrusted,
    signal: AbortSignal.any([lease.lost, sending]),
  });
  const watermarks = new Watermarks({
    publisher: publishers[1],
    topics,
    everyMs: options.watermarkMs,
    generation: leader.generation,
    databaseClock,
    log,
    mustBeTrusted,
    parked: () => parking.challenges,
    ends,
  });
  const errands = new Errands();
  const states = new States({
    session,
    leader,
    open: options.openReader,
    topic: topics.state,
    ends: ends.get(topics.state.name) ?? new Map(),
    endsNow: () => endsNow(topics.state.name),
    windowMs: options.stateGuardMs,
    everyMs: options.stateSweepMs,
    closedMs: options.closedStateMs,
    stream: epoch,
    floor: () => lease.floor,
    isBehind: () => reading.isBehind,
    errands,
    sendRows,
    sendRecords: async (records) => watermarks.raise(await publishing.sendRecords(records)),
    now,
    clock,
    metrics,
    log,
  });

  const standing: Standing = {
    is: 'leading',
    sincePassMs: () => clock.monotonicMs() - reading.passedAtMs,
    outstanding: () => publishing.outstanding,
  };
  const leadership = (): Leadership => {
    const { outstanding } = publishing;
    return {
      generation: Number(leader.generation),
      marginMs: lease.marginMs,
      pending: reading.isCaughtUp && outstanding === undefined ? 0n : positive(lease.drawn - lease.floor),
      lagMs: outstanding === undefined ? 0 : databaseClock.ageMs(outstanding.oldest.created_at),
      asOfAgeMs: watermarks.asOf === undefined ? undefined : databaseClock.ageMs(watermarks.asOf),
      parked: parking.challenges.length,
      deadLetters: parking.deadLetters,
    };
  };
  const stages = { reading, epoch, publishing, parking, errands, watermarks, states, clock, nextDelayMs };
  return { stages, standing, leadership };
}

const positive = (count: bigint): bigint => (count > 0n ? count : 0n);
