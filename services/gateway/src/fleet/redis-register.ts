import { randomUUID } from 'node:crypto';

import { Fault, fullJitter, systemRandom } from '@tradesense/platform';
import { createClient, type RedisClientType, type RedisFunctions, type RedisModules } from 'redis';

import { SHARDS, type Place } from './place.js';
import { scripts } from './scripts.js';

type Client = RedisClientType<RedisModules, RedisFunctions, typeof scripts>;

export interface RegisterOptions {
  /** With the password in it: nothing here may log it. */
  readonly url: string;
  /** What all keys begin with. */
  readonly prefix: string;
}

/** After so long without a word of a gateway its entries are gone: killed, it keeps nobody's seats for longer. */
export const ENTRY_MS = 10_000;
/** A handshake waits so long and no longer. */
const CLAIM_MS = 250;
/** For what nobody waits for. Whatever has been silent for so long is called again on a connection of its own. */
const WRITE_MS = 1_000;
const CONNECT_MS = 2_000;
/** Longer than between two writings: a healthy connection is never so quiet, one that hangs in its greeting is. */
const SILENCE_MS = 5_000;
const BETWEEN_ATTEMPTS = { minMs: 100, maxMs: 1_000 };
/** Calls without an answer: a storm's worth. Beyond it they fail at once. */
const MOST_CALLS = 5_000;

const late = (ms: number): Fault => new Fault('redis-late', 'wait', `Redis has not answered within ${ms} ms`);

/** One gateway's entries in Redis. Every call is bounded and none is made twice: whoever calls knows what it means that it failed. */
export class RedisRegister {
  readonly #id = randomUUID();
  readonly #gateways: string;
  readonly #shards: string;
  readonly #delayMs = fullJitter(systemRandom, BETWEEN_ATTEMPTS);
  #client: Client | undefined;
  /** Why there is no connection: what a command would say of it is only that there is none. */
  #trouble: Error | undefined;

  constructor(private readonly options: RegisterOptions) {
    this.#gateways = `{${options.prefix}seats}:gateways`;
    this.#shards = `{${options.prefix}seats}:`;
  }

  /** Resolves when it is connected, or has not been for a while: it goes on trying. */
  async open(): Promise<void> {
    const client = this.#connect();
    await bounded(WRITE_MS, new Promise<void>((resolve) => client.once('ready', resolve))).catch(() => undefined);
  }

  /** Whether that many connections here, and those elsewhere, are within the limit. If so they are written down. */
  async claim({ shard, field }: Place, count: number, limit: number): Promise<boolean> {
    const args = [this.#id, this.#shards, String(shard), field, String(count), String(limit), String(ENTRY_MS)];
    return (await bounded(CLAIM_MS, this.#ready.claim(this.#gateways, this.#shard(shard), ...args))) === 1;
  }

  async put({ shard, field }: Place, count: number): Promise<void> {
    await bounded(WRITE_MS, this.#ready.put(this.#shard(shard), field, String(count), String(ENTRY_MS)));
  }

  /** All of a shard anew; nothing else is in it then. */
  async putAll(shard: number, counts: ReadonlyMap<string, number>): Promise<void> {
    const entries = [...counts].flatMap(([field, count]) => [field, String(count)]);
    const call = this.#ready.putAll(this.#gateways, this.#shard(shard), this.#id, String(ENTRY_MS), ...entries);
    await bounded(WRITE_MS, call).catch((error: unknown) => {
      if (error instanceof Fault) this.#connect(); // TCP alone might take a quarter of an hour to notice
      throw error;
    });
  }

  /** Takes everything of this gateway out, if that can be done at once, and leaves. */
  async close(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    const own = Array.from({ length: SHARDS }, (_, shard) => this.#shard(shard));
    if (client.isReady)
      await bounded(WRITE_MS, client.multi().del(own).zRem(this.#gateways, this.#id).exec()).catch(() => undefined);
    this.#client = undefined;
    client.destroy();
  }

  #shard(shard: number): string {
    return `${this.#shards}${this.#id}:${shard}`;
  }

  get #ready(): Client {
    if (this.#client?.isReady === true) return this.#client;
    throw this.#trouble ?? new Fault('redis-away', 'wait', 'Redis is not connected');
  }

  #connect(): Client {
    this.#client?.destroy();
    const isSecure = this.options.url.startsWith('rediss:');
    const socket = {
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (retries: number) => this.#delayMs(retries),
    };
    const client: Client = createClient({
      url: this.options.url,
      // Whatever the environment says: a certificate is looked at, or there is no connection.
      socket: isSecure ? { ...socket, tls: true, rejectUnauthorized: true } : socket,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MOST_CALLS,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      scripts,
    });
    client.on('error', (error: Error) => (this.#trouble = error));
    client.on('ready', () => (this.#trouble = undefined));
    client.connect().catch(() => undefined); // an error told its reason; this one says that it was given up
    this.#client = client;
    return client;
  }
}

/** Calls that come back later are heard of no more. */
async function bounded<Value>(ms: number, call: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(late(ms)), ms)));
  try {
    return await Promise.race([call, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
