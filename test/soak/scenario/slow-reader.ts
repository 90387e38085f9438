import { setTimeout as delay } from 'node:timers/promises';

import type { Cursor } from '@tradesense/contracts';

import { Child } from '../../bench/child.js';
import type { CrowdAsk, FeederAsk, Heard } from '../../bench/fan-out/messages.js';
import { History, aUserId, type Fact } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { PausableClient, type Handled } from '../../support/pausable-client.js';
import { System, type Ground } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

export interface SlowReaderOptions {
  readonly pauseMs: number;
  /** Pairs of windows as long as the pause with nobody paused: how much p99 varies by itself. */
  readonly controlPairs: number;
  /** Clients with a room each, and the events a second of all these rooms. */
  readonly others: number;
  readonly othersPerSecond: number;
  readonly tell?: (text: string) => void;
}

export interface SlowReaderReport {
  /** The most that lay in the kernel for the paused reader. */
  readonly kernelBytes: number;
  /** From reading on to an event that was published after that. */
  readonly newestMs: number;
  readonly collapsed: number;
  /** Status changes and alerts of its room that it missed, or had in another order. */
  readonly importantPublished: number;
  readonly importantMissed: readonly number[];
  readonly inOrder: boolean;
  readonly faults: readonly string[];
  readonly wasClosed: boolean;
  /** p99 of the second window of a pair over the first one's. */
  readonly controlRatios: readonly number[];
  readonly pausedRatio: number;
  readonly pausedP99Ms: number;
  /** Of four such rooms rejoined at once: joins asked for, and how they were answered. */
  readonly rejoins: readonly string[];
  readonly rejoinFaults: readonly string[];
}

const HOT_ROOMS = 4;
const HOT_PER_SECOND = 200;
const TICK_MS = 20;
const AWAY_MS = 1_000;
const CALM_MS = 2_000;
/** A connection's p99 is read behind the first moments of a window. */
const SETTLE_MS = 500;

/**
 * A reader that stops for a while in a room of 200 events a second, one of them a status change or an alert, beside three more such
 * rooms and many quiet clients whose events are timed.
 */
export async function slowReader(ground: Ground, options: SlowReaderOptions): Promise<SlowReaderReport> {
  const { pauseMs, controlPairs, others, othersPerSecond, tell = () => undefined } = options;
  const feed = new Feed(ground);
  const trader = aUserId();
  const hot = Array.from({ length: HOT_ROOMS }, () => new History(undefined, trader));
  const seats = Array.from({ length: others }, () => new History()).map(({ userId, challengeId }) => ({
    userId,
    challengeId,
  }));
  const crowd = new Child<CrowdAsk>('fan-out/crowd-process');
  const feeder = new Child<FeederAsk>('fan-out/feeder-process');
  const over = new AbortController();
  const important: number[] = [];
  const heat = async (): Promise<void> => {
    const beganMs = performance.now();
    for (let made = 0; !over.signal.aborted;) {
      const due = Math.floor(((performance.now() - beganMs) / 1_000) * HOT_PER_SECOND);
      const facts: Fact[] = [];
      for (; made < due; made += 1)
        for (const history of hot) {
          const isImportant = made % HOT_PER_SECOND === 0;
          facts.push(
            !isImportant ? history.equity() : made % (2 * HOT_PER_SECOND) === 0 ? history.alert() : history.status(),
          );
          if (isImportant && history === hot[0]) important.push(history.cursor.sequence);
        }
      await feed.publish(...facts, ...(facts.length > 0 ? hot.map((history) => history.state()) : []));
      await delay(TICK_MS);
    }
  };
  const limits = { MAX_CONNECTIONS_PER_ADDRESS: '0', ADMISSION_PER_S: '0' };
  await feed.publish(
    ...hot.map((history) => history.state()),
    ...seats.map((seat) => new History(seat.challengeId, seat.userId).state()),
  );
  feed.startWatermarks();
  const system = await System.start(ground, { services: ['gateway'], env: { gateway: limits } });
  let heating = Promise.resolve();
  const clients: PausableClient[] = [];
  const open = async (from: ReadonlyMap<string, Cursor | undefined>): Promise<PausableClient> => {
    const client = await PausableClient.open(system.gatewayUrl, await tokens.user(trader), from);
    clients.push(client);
    return client;
  };
  const window = async (): Promise<number> => {
    await delay(SETTLE_MS);
    await crowd.ask({ act: 'forget' });
    await delay(pauseMs - SETTLE_MS);
    return (await crowd.ask<Heard>({ act: 'read' })).p99Ms;
  };
  try {
    await crowd.ask({ act: 'open', url: system.gatewayUrl, speaks: 'socket.io', seats });
    const { brokers, topicPrefix } = ground;
    await feeder.ask({ act: 'open', brokers, topicPrefix, seats });
    await feeder.ask({ act: 'run', perSecond: othersPerSecond });
    heating = heat();
    const room = hot[0] as History;
    const client = await open(new Map([[room.challengeId, undefined]]));
    const firstImportant = important.length;
    await delay(CALM_MS);

    const controlRatios: number[] = [];
    for (let pair = 0; pair < controlPairs; pair += 1) {
      const first = await window();
      controlRatios.push((await window()) / first);
      tell(`control pair ${pair + 1}: ${controlRatios.at(-1)?.toFixed(2)}`);
    }

    const before = controlPairs > 0 ? await window() : NaN;
    client.pause();
    let kernelBytes = 0;
    const sampling = setInterval(() => (kernelBytes = Math.max(kernelBytes, client.kernelBytes())), 100);
    const pausedP99Ms = await window();
    clearInterval(sampling);
    const resumedAtMs = performance.now();
    const present = room.cursor.sequence;
    client.resume();
    const newest = await until(
      () => client.of(room.challengeId).handled.find(({ sequence }) => sequence > present),
      (found): found is Handled => found !== undefined,
      { what: 'something newer than the pause' },
    );
    const newestMs = (newest?.atMs ?? NaN) - resumedAtMs;
    await delay(CALM_MS);

    const { handled } = client.of(room.challengeId);
    const last = handled.at(-1)?.sequence ?? 0;
    const due = important.slice(firstImportant).filter((sequence) => sequence <= last);
    const came = new Set(handled.map(({ sequence }) => sequence));
    const sequences = handled.map(({ sequence }) => sequence);

    const leaving = await open(new Map(hot.map(({ challengeId }) => [challengeId, undefined])));
    await delay(AWAY_MS);
    const cursors = new Map(hot.map(({ challengeId }) => [challengeId, leaving.of(challengeId).cursor]));
    leaving.close();
    await delay(AWAY_MS);
    const back = await open(cursors);
    await delay(CALM_MS);

    return {
      kernelBytes,
      newestMs,
      collapsed: (await system.service('gateway').metric('tradesense_gateway_collapsed_total')) ?? NaN,
      importantPublished: due.length,
      importantMissed: due.filter((sequence) => !came.has(sequence)),
      inOrder: sequences.every((sequence, index) => index === 0 || sequence > (sequences[index - 1] as number)),
      faults: client.faults,
      wasClosed: client.isClosed,
      controlRatios,
      pausedRatio: pausedP99Ms / before,
      pausedP99Ms,
      rejoins: back.joins.map(({ recovered, reason }) => (recovered ? 'recovered' : (reason ?? ''))),
      rejoinFaults: [...back.faults, ...(back.isClosed ? ['closed'] : [])],
    };
  } finally {
    over.abort();
    await heating;
    for (const client of clients) client.close();
    await feeder.ask({ act: 'rest' }).catch(() => undefined);
    feeder.close();
    crowd.close();
    await system.stop();
    await feed.close();
  }
}
