import { setTimeout as delay } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { History, aUserId, type Fact } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { Operator } from '../../support/operator.js';
import { System, type Ground } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

export interface IsolationOptions {
  readonly users: number;
  readonly rooms: number;
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly chance: () => number;
  /** SIGKILL of the gateway, evenly over the run. */
  readonly restarts: number;
  /** Another build of the gateway. */
  readonly entry?: string;
  readonly tell?: (text: string) => void;
}

export interface IsolationReport {
  readonly published: number;
  readonly delivered: number;
  readonly ownerChanges: number;
  readonly revocations: number;
  readonly joins: number;
  readonly joinsRefused: number;
  readonly refreshesRefused: number;
  readonly restarts: number;
  /** In words, the first ones: what a socket was sent that was not its user's. */
  readonly leaks: readonly string[];
  readonly leaked: number;
}

const BATCH_MS = 50;
const SHOWN = 10;
const OWNER_CHANGE = 0.002;
/** A state behind one of so many events, and behind each change of owner. */
const STATE = 0.05;
const ACTS_PER_SECOND_AND_USER = 1;
const REVOKE_EVERY_MS = 700;
/** By then every gateway has heard of it (design 8.5). */
const HEARD_MS = 2_000;
const BLOCKED_MS = 4_000;
const RETURN_MS = 300;
const FAR = '2100-01-01T00:00:00Z';

interface Tally {
  delivered: number;
  joins: number;
  joinsRefused: number;
  refreshesRefused: number;
  leaked: number;
  readonly leaks: string[];
}

/**
 * One user's browser, spelled by hand over a WebSocket. Whatever message names a user must name this one: events say whose the
 * challenge was at that event, states whose it is. That is the whole check, and it knows nothing of how the gateway works.
 */
class Watcher {
  /** Nothing of the user, or of the challenge, may come while it is set and past. */
  shutFromMs = Infinity;
  readonly shutRooms = new Map<string, number>();
  #socket: WebSocket | undefined;
  #isIn = false;
  #isClosed = false;
  #acks = 0;
  readonly #asked = new Map<number, 'join' | 'refresh'>();

  constructor(
    private readonly url: () => string,
    readonly userId: string,
    private readonly token: string,
    private readonly tally: Tally,
  ) {
    this.#connect();
  }

  get isIn(): boolean {
    return this.#isIn;
  }

  join(challengeId: string, more: object): void {
    this.tally.joins += 1;
    this.#ask('join', ['join_challenge', { challenge_id: challengeId, ...more }]);
  }
  leave(challengeId: string): void {
    this.#send(`42${JSON.stringify(['leave_challenge', { challenge_id: challengeId }])}`);
  }
  refresh(token: string): void {
    this.#ask('refresh', ['refresh_token', { token }]);
  }
  drop(): void {
    this.#socket?.terminate();
  }
  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  #ask(what: 'join' | 'refresh', message: readonly unknown[]): void {
    if (!this.#isIn) return;
    this.#acks += 1;
    this.#asked.set(this.#acks, what);
    this.#send(`42${this.#acks}${JSON.stringify(message)}`);
  }

  #send(text: string): void {
    if (this.#isIn && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #connect(): void {
    if (this.#isClosed) return;
    const socket = new WebSocket(`${this.url()}/socket.io/?EIO=4&transport=websocket`, { skipUTF8Validation: true });
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#heard(socket, data.toString('latin1')));
    socket.on('error', () => undefined); // its close follows
    socket.on('close', () => {
      this.#isIn = false;
      this.#asked.clear();
      setTimeout(() => this.#connect(), RETURN_MS);
    });
  }

  #heard(socket: WebSocket, text: string): void {
    if (text === '2') socket.send('3');
    else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ token: this.token })}`);
    else if (text.startsWith('40')) this.#isIn = true;
    else if (text.startsWith('43')) this.#answered(text);
    else if (text.startsWith('42[')) this.#check(text);
  }

  #answered(text: string): void {
    const asked = this.#asked.get(parseInt(text.slice(2), 10));
    if (text.includes('"ok":true')) return;
    if (asked === 'join') this.tally.joinsRefused += 1;
    if (asked === 'refresh') this.tally.refreshesRefused += 1;
  }

  #check(text: string): void {
    if (!text.includes('"user_id":"')) return;
    this.tally.delivered += 1;
    for (const [, userId] of text.matchAll(/"user_id":"([^"]*)"/g))
      if (userId !== this.userId) return this.#leak(`of ${userId}`, text);
    const nowMs = performance.now();
    if (nowMs > this.shutFromMs) return this.#leak('although the user was revoked', text);
    if (this.shutRooms.size === 0) return;
    const challengeId = /"challenge_id":"([^"]*)"/.exec(text)?.[1] ?? '';
    if (nowMs > (this.shutRooms.get(challengeId) ?? Infinity)) this.#leak('although the challenge was revoked', text);
  }

  #leak(how: string, text: string): void {
    this.tally.leaked += 1;
    if (this.tally.leaks.length < SHOWN)
      this.tally.leaks.push(`${this.userId} was sent something ${how}: ${text.slice(0, 160)}`);
  }
}

/**
 * Events of many challenges, which change hands all the time, to users who ask for what is theirs, was theirs, never was theirs,
 * with every cursor, bring other users' tokens, are revoked and let in again, while the gateway is killed now and then.
 */
export async function isolation(ground: Ground, options: IsolationOptions): Promise<IsolationReport> {
  const { users, rooms, events, eventsPerSecond, chance, restarts, entry, tell = () => undefined } = options;
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(chance() * items.length)] as Item;
  const tally: Tally = { delivered: 0, joins: 0, joinsRefused: 0, refreshesRefused: 0, leaked: 0, leaks: [] };
  const feed = new Feed(ground);
  feed.startWatermarks();
  const system = await System.start(ground, {
    services: ['gateway'],
    env: { gateway: { MAX_CONNECTIONS_PER_ADDRESS: '0' } },
    ...(entry === undefined ? {} : { entry: { gateway: entry } }),
  });
  const over = new AbortController();
  const watchers: Watcher[] = [];
  const acting: Promise<void>[] = [];
  try {
    const anna = await Operator.at(() => system.service('gateway'));
    const ids = Array.from({ length: users }, () => aUserId());
    const histories = Array.from({ length: rooms }, () => new History(undefined, any(ids)));
    await feed.publish(...histories.map((history) => history.state()));
    const minted = await Promise.all(ids.map((id) => tokens.user(id)));
    ids.forEach((id, index) => watchers.push(new Watcher(() => system.gatewayUrl, id, minted[index]!, tally)));
    await until(
      () => watchers.filter(({ isIn }) => isIn).length,
      (count) => count === users,
      { withinMs: 60_000, what: 'all are connected' },
    );

    const act = (): void => {
      const watcher = any(watchers);
      const kind = chance();
      if (kind < 0.5) {
        const own = histories.filter(({ userId }) => userId === watcher.userId);
        if (own.length > 0) watcher.join(any(own).challengeId, requestOf(any(own), chance));
      } else if (kind < 0.75) {
        const history = any(histories);
        watcher.join(history.challengeId, requestOf(history, chance));
      } else if (kind < 0.85) watcher.leave(any(histories).challengeId);
      else if (kind < 0.92) watcher.refresh(any(minted));
      else watcher.drop();
    };
    acting.push(
      (async () => {
        const everyMs = 1_000 / (users * ACTS_PER_SECOND_AND_USER);
        for (let dueMs = performance.now(); !over.signal.aborted;) {
          for (; dueMs <= performance.now(); dueMs += everyMs) act();
          await delay(10);
        }
      })(),
    );

    let revocations = 0;
    const revoke = async (): Promise<void> => {
      const watcher = any(watchers);
      const history = any(histories);
      const ofUser = chance() < 0.5;
      const target = ofUser ? { user_id: watcher.userId } : { challenge_id: history.challengeId };
      const answer = await anna
        .send('POST', '/access/revoke', { ...target, expires: FAR, reason: 'a test' })
        .catch(() => undefined);
      if (answer?.status !== 200) return; // the gateway was killed under it
      revocations += 1;
      const fromMs = performance.now() + HEARD_MS;
      if (ofUser) watcher.shutFromMs = fromMs;
      else for (const one of watchers) one.shutRooms.set(history.challengeId, fromMs);
      await delay(BLOCKED_MS);
      watcher.shutFromMs = ofUser ? Infinity : watcher.shutFromMs;
      if (!ofUser) for (const one of watchers) one.shutRooms.delete(history.challengeId);
      await until(
        async () =>
          (await anna.send('POST', '/access/restore', { ...target, reason: 'it was a test' }).catch(() => undefined))
            ?.status,
        (status) => status === 200,
        { withinMs: 30_000, everyMs: 200, what: 'the block is taken back' },
      );
    };
    acting.push(
      (async () => {
        const under: Promise<void>[] = [];
        while (!over.signal.aborted) {
          under.push(revoke());
          await delay(REVOKE_EVERY_MS);
        }
        await Promise.all(under);
      })(),
    );

    let published = 0;
    let ownerChanges = 0;
    let restarted = 0;
    const perBatch = Math.max(1, Math.round((eventsPerSecond * BATCH_MS) / 1_000));
    let restarting = Promise.resolve();
    for (let dueMs = performance.now(); published < events; dueMs += BATCH_MS) {
      const facts: Fact[] = [];
      for (let count = 0; count < perBatch; count += 1) {
        const history = any(histories);
        const changes = chance() < OWNER_CHANGE;
        if (changes) {
          ownerChanges += 1;
          facts.push(history.ownerChanged(any(ids)));
        } else facts.push(chance() < 0.05 ? history.alert() : history.equity());
        if (changes || chance() < STATE) facts.push(history.state());
      }
      await feed.publish(...facts);
      published += perBatch;
      if (published >= ((restarted + 1) * events) / (restarts + 1) && restarted < restarts) {
        restarted += 1;
        tell(`${published} events, ${tally.delivered} delivered; the gateway is killed`);
        restarting = system.killAndRespawn('gateway');
      }
      await delay(Math.max(0, dueMs + BATCH_MS - performance.now()));
      await Promise.race([restarting, delay(0)]); // its failure, if any
    }
    await restarting;
    over.abort();
    await Promise.all(acting);
    return { published, ownerChanges, revocations, restarts: restarted, ...tally };
  } finally {
    over.abort();
    await Promise.allSettled(acting);
    for (const watcher of watchers) watcher.close();
    await system.stop();
    await feed.close();
  }
}

/** With no cursor, with history, from the beginning, from somewhere, from the present, from beyond it. */
function requestOf({ cursor: { epoch, sequence } }: History, chance: () => number): object {
  const kind = Math.floor(chance() * 5);
  if (kind === 0) return {};
  if (kind === 1) return { history: 200 };
  const at =
    kind === 2
      ? 0
      : kind === 3
        ? Math.floor(chance() * sequence)
        : Math.max(0, sequence + Math.floor(chance() * 20) - 15);
  return { cursor: { epoch, sequence: at } };
}
