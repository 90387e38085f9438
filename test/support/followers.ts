import { setTimeout as delay } from 'node:timers/promises';

import { Client, type ClientOptions } from './client.js';
import { History } from './facts.js';
import { Feed } from './feed.js';
import { contiguousPerChallenge, handledOnce } from './invariants.js';
import type { Ground } from './system.js';
import { tokens } from './tokens.js';
import { until } from './until.js';

export interface FollowersOptions {
  readonly url: string;
  /** Challenges, each with so many clients of its trader. */
  readonly rooms: number;
  readonly perRoom: number;
  readonly socket?: ClientOptions['socket'];
  readonly leavesWhenAsked?: boolean;
}

const JOINED_AT_ONCE = 100;
const TICK_MS = 20;

/** Challenges that are traded at a steady rate, and stock clients that follow them by cursor, whatever happens meanwhile. */
export class Followers {
  readonly clients: Client[] = [];
  readonly #feed: Feed;
  readonly #histories: readonly History[];
  readonly #stopped = new AbortController();
  #trading: Promise<void> = Promise.resolve();
  #traded = 0;

  private constructor(
    ground: Ground,
    private readonly options: FollowersOptions,
  ) {
    this.#feed = new Feed(ground);
    this.#histories = Array.from({ length: options.rooms }, () => new History());
  }

  /** Resolves when all of them have joined. */
  static async open(ground: Ground, options: FollowersOptions): Promise<Followers> {
    const followers = new Followers(ground, options);
    await followers.#open();
    return followers;
  }

  /** So many equity updates a second, each with its state, round all challenges, until it is stopped. */
  trade(rate: number): void {
    this.#trading = this.#trade(rate);
  }

  /** No more trades; resolves once every client has the last one of its challenge. */
  async settle(withinMs = 60_000): Promise<void> {
    this.#stopped.abort();
    await this.#trading;
    const behind = () =>
      this.#each((client, { cursor }) => (client.cursor?.sequence === cursor.sequence ? [] : [client.cursor]));
    await until(behind, ({ length }) => length === 0, { withinMs, everyMs: 100, what: 'every client has all events' });
  }

  get events(): number {
    return this.#traded;
  }

  /** Over everything: what came twice, what was missing in between, and whoever was not given every event. */
  verdict(): { readonly duplicates: number; readonly gaps: number; readonly partial: number } {
    const sum = (of: (client: Client) => number): number => this.clients.reduce((total, one) => total + of(one), 0);
    const partial = this.#each((client, { cursor }) => {
      const breaches = [...contiguousPerChallenge(client.handled), ...handledOnce(client.handled)];
      const isWhole = client.handled.length === cursor.sequence && breaches.length === 0;
      return isWhole && client.snapshots.length === 0 ? [] : [client];
    }).length;
    return { duplicates: sum((one) => one.duplicates.length), gaps: sum((one) => one.gaps.length), partial };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#trading;
    for (const client of this.clients) client.close();
    await this.#feed.close();
  }

  #each<Value>(read: (client: Client, history: History) => readonly Value[]): Value[] {
    const { perRoom } = this.options;
    return this.clients.flatMap((client, index) => read(client, this.#histories[Math.floor(index / perRoom)]!));
  }

  async #open(): Promise<void> {
    const { url, rooms, perRoom, socket, leavesWhenAsked = false } = this.options;
    await this.#feed.publish(...this.#histories.map((history) => history.state()));
    this.#feed.startWatermarks();
    const all = rooms * perRoom;
    while (this.clients.length < all) {
      const from = this.clients.length;
      for (let index = from; index < Math.min(all, from + JOINED_AT_ONCE); index += 1) {
        const { userId, challengeId } = this.#histories[Math.floor(index / perRoom)]!;
        const token = await tokens.user(userId);
        const options = { url, token, challengeId, obeysHints: true, leavesWhenAsked, ...(socket && { socket }) };
        this.clients.push(new Client(options));
      }
      await Promise.all(this.clients.slice(from).map((client) => client.joined(60_000)));
    }
  }

  async #trade(rate: number): Promise<void> {
    const beganMs = performance.now();
    while (!this.#stopped.signal.aborted) {
      const due = Math.floor(((performance.now() - beganMs) / 1_000) * rate) - this.#traded;
      const traded = Array.from({ length: due }, () => {
        const history = this.#histories[this.#traded % this.#histories.length]!;
        this.#traded += 1;
        return [history.equity(), history.state()];
      });
      await this.#feed.publish(...traded.flat());
      await delay(TICK_MS);
    }
  }
}

/** From the last message before a client's first outage to the first one after it. */
export const blindMs = ({ outages: [outage] }: Client): number => (outage?.backMs ?? NaN) - (outage?.heardMs ?? NaN);
