import { setTimeout as delay } from 'node:timers/promises';

import { Client } from '../../support/client.js';
import { History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { System, type Ground } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { inexactness } from './inexactness.js';

export interface AwaySize {
  readonly clients: number;
  readonly eventsPerS: number;
  readonly awaySeconds: number;
  /** Killed and started again, or stopped and continued. */
  readonly how: 'killed' | 'frozen';
  readonly seed: number;
  /** As the clients of a page do; a test has less time. */
  readonly longestBackOffMs: number;
}

export interface AwaySeen {
  readonly events: number;
  readonly writtenMeanwhile: number;
  /** Of each client, from its first attempt once the gateway was back, and from that moment, until it had all there was. */
  readonly sinceAttemptMs: readonly number[];
  readonly sinceBackMs: readonly number[];
  readonly recovered: number;
  readonly faults: readonly string[];
}

const BATCHES_PER_S = 20;
const OPENED_AT_ONCE = 50;
const CALM_MS = 1_000;
const CONVERGED_WITHIN_MS = 90_000;

/** One client of one challenge, and when it tried to come back. */
class Follower {
  readonly history = new History();
  readonly #attempts: { readonly atMs: number; readonly head: number }[] = [];
  #client: Client | undefined;

  async start(url: string, longestBackOffMs: number): Promise<void> {
    const { challengeId, userId, cursor } = this.history;
    const token = await tokens.user(userId);
    const socket = { reconnectionDelay: 1_000, reconnectionDelayMax: longestBackOffMs };
    this.#client = new Client({ url, token, challengeId, cursor, socket });
    this.client.socket.io.on('reconnect_attempt', () =>
      this.#attempts.push({ atMs: performance.now(), head: this.history.cursor.sequence }),
    );
    await this.client.joined(60_000);
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('not started');
    return this.#client;
  }

  /** The first attempt since then; or the last one, where it was under way already, or nobody noticed anything. */
  attemptSince(backMs: number): { readonly atMs: number; readonly head: number } {
    const attempt = this.#attempts.find(({ atMs }) => atMs >= backMs) ?? this.#attempts.at(-1);
    return attempt === undefined || attempt.atMs < backMs ? { atMs: backMs, head: attempt?.head ?? 0 } : attempt;
  }

  hasCaughtUp(backMs: number): boolean {
    const { socket, isLive, cursor } = this.client;
    return socket.connected && isLive && cursor !== undefined && cursor.sequence >= this.attemptSince(backMs).head;
  }
}

/**
 * Clients follow a challenge each while events flow into Kafka, and their gateway is away for a while. They come back by
 * themselves; each must have all there is soon after its first attempt, every event once and in order, every join recovered.
 */
export async function gatewayAway(ground: Ground, size: AwaySize): Promise<AwaySeen> {
  const { clients, awaySeconds, how, seed, longestBackOffMs } = size;
  const feed = new Feed(ground);
  feed.startWatermarks();
  const limits = { MAX_CONNECTIONS_PER_ADDRESS: '0' };
  const system = await System.start(ground, { services: ['gateway'], env: { gateway: limits } });
  const followers = Array.from({ length: clients }, () => new Follower());
  const writing = new AbortController();
  try {
    await feed.publish(...followers.map(({ history }) => history.state()));
    for (let at = 0; at < clients; at += OPENED_AT_ONCE) {
      const some = followers.slice(at, at + OPENED_AT_ONCE);
      await Promise.all(some.map((follower) => follower.start(system.gatewayUrl, longestBackOffMs)));
    }
    const histories = followers.map(({ history }) => history);
    const written = (): number => histories.reduce((sum, { cursor }) => sum + cursor.sequence, 0);
    const done = write(feed, histories, size.eventsPerS, chanceOf(seed), writing.signal);
    await delay(CALM_MS);
    const before = written();
    if (how === 'killed') await system.service('gateway').kill();
    else system.service('gateway').freeze();
    await delay(awaySeconds * 1_000);
    const writtenMeanwhile = written() - before;
    if (how === 'killed') await system.start('gateway');
    else system.service('gateway').thaw();

    const { sinceAttemptMs, sinceBackMs } = await converged(followers, performance.now());
    await delay(CALM_MS);
    writing.abort();
    await done;
    await Promise.all(followers.map(({ client, history }) => client.reached(history.cursor.sequence, 60_000)));
    const faults = followers.flatMap(({ client }, index) =>
      inexactness(client).map((one) => `client ${index}: ${one}`),
    );
    const recovered = followers.reduce((sum, { client }) => sum + client.joins.length - 1, 0);
    return { events: written(), writtenMeanwhile, sinceAttemptMs, sinceBackMs, recovered, faults };
  } finally {
    writing.abort();
    for (const follower of followers) follower.client.close();
    await system.stop();
    await feed.close();
  }
}

async function write(
  feed: Feed,
  histories: readonly History[],
  eventsPerS: number,
  chance: () => number,
  stopped: AbortSignal,
): Promise<void> {
  let dueMs = performance.now();
  while (!stopped.aborted) {
    const some = Array.from(
      { length: eventsPerS / BATCHES_PER_S },
      () => histories[Math.floor(chance() * histories.length)] as History,
    );
    await feed.publish(...some.flatMap((history) => [history.equity(), history.state()]));
    dueMs += 1_000 / BATCHES_PER_S;
    await delay(Math.max(0, dueMs - performance.now()));
  }
}

async function converged(
  followers: readonly Follower[],
  backMs: number,
): Promise<Pick<AwaySeen, 'sinceAttemptMs' | 'sinceBackMs'>> {
  const sinceAttemptMs: number[] = [];
  const sinceBackMs: number[] = [];
  let left = [...followers];
  const look = (): number => {
    const nowMs = performance.now();
    left = left.filter((follower) => {
      if (!follower.hasCaughtUp(backMs)) return true;
      sinceAttemptMs.push(nowMs - follower.attemptSince(backMs).atMs);
      sinceBackMs.push(nowMs - backMs);
      return false;
    });
    return left.length;
  };
  await until(look, (count) => count === 0, { withinMs: CONVERGED_WITHIN_MS, what: 'every client has all there is' });
  return { sinceAttemptMs, sinceBackMs };
}
