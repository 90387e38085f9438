import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Brokers of a Kafka cluster as far as publisher and reader can tell, for what one real broker can't be made to do: leaders that
 * move between two attempts, a partition without leader, a broker that takes requests and says nothing. Sockets are real.
 */
export const API = { produce: 0, fetch: 1, listOffsets: 2, metadata: 3, apiVersions: 18 } as const;
const VERSIONS: readonly (readonly [api: number, version: number])[] = [
  [API.produce, 8],
  [API.fetch, 11],
  [API.listOffsets, 2],
  [API.metadata, 4],
  [API.apiVersions, 0],
];
const CODE = { outOfRange: 1, unknownTopic: 3, notLeader: 6 };

export interface Call {
  readonly node: number;
  readonly api: number;
  /** How often this broker was asked this before. */
  readonly nth: number;
}
/** What a broker does instead of answering in order. A number is the error code of each partition asked about. */
export type Reaction = 'answer' | 'silence' | 'hang up' | number;

interface Log {
  start: bigint;
  end: bigint;
  readonly batches: { readonly next: bigint; readonly bytes: Buffer }[];
}

export class StubCluster {
  readonly calls: Call[] = [];
  /** By node id: 1, 2, … */
  readonly leaders = new Map<string, number>();
  react: (call: Call) => Reaction = () => 'answer';
  /** Keeps an answer that is ready from leaving. */
  hold: (call: Call) => Promise<void> | undefined = () => undefined;
  /** Leaves a partition out of the answer to a produce request, though it stores it. */
  omit: (asked: { readonly topic: string; readonly partition: number }) => boolean = () => false;
  /** Changes an answer's bytes behind its number. */
  garble: (call: Call, body: Buffer) => Buffer = (_call, body) => body;
  /** Whether records are stored whose answer does not arrive. */
  stores = false;
  /** The one version of each request that is offered. */
  readonly versions = new Map(VERSIONS);
  /** Told in the answer to each fetch and produce. */
  throttleMs = 0;
  readonly #logs = new Map<string, Log>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(readonly topics: Map<string, number>) {}

  static async start(nodes: number, topics: Readonly<Record<string, number>>): Promise<StubCluster> {
    const cluster = new StubCluster(new Map(Object.entries(topics)));
    for (const [topic, partitions] of cluster.topics) {
      for (let partition = 0; partition < partitions; partition += 1) cluster.leaders.set(`${topic}/${partition}`, 1);
    }
    for (let node = 1; node <= nodes; node += 1) {
      const server = createServer((socket) => cluster.#serve(node, socket));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      cluster.#servers.push(server);
    }
    return cluster;
  }

  get brokers(): string[] {
    return this.#servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  log(topic: string, partition: number): Log {
    const name = `${topic}/${partition}`;
    let log = this.#logs.get(name);
    if (log === undefined) this.#logs.set(name, (log = { start: 0n, end: 0n, batches: [] }));
    return log;
  }

  /** Appends a batch as it is; its base offset has to be the log's end or higher. */
  append(topic: string, partition: number, bytes: Buffer): void {
    const log = this.log(topic, partition);
    const next = bytes.readInt8(16) === 2 ? bytes.readBigInt64BE(0) + BigInt(bytes.readInt32BE(23)) + 1n : log.end + 1n;
    log.batches.push({ next, bytes });
    log.end = next;
  }

  countOf(api: number, node?: number): number {
    return this.calls.filter((call) => call.api === api && (node === undefined || call.node === node)).length;
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.hangUp();
    await Promise.all(this.#servers.map((server) => new Promise((done) => server.close(done))));
  }

  #serve(node: number, socket: Socket): void {
    this.#sockets.add(socket.setNoDelay(true));
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    let unread = Buffer.alloc(0);
    socket.on('data', (data) => {
      unread = Buffer.concat([unread, data]);
      while (unread.length >= 4 && unread.length >= 4 + unread.readInt32BE(0)) {
        const length = unread.readInt32BE(0);
        void this.#answer(node, socket, new Reading(unread.subarray(4, 4 + length)));
        unread = unread.subarray(4 + length);
      }
    });
  }

  async #answer(node: number, socket: Socket, request: Reading): Promise<void> {
    const api = request.int16();
    const version = request.int16();
    const correlation = request.int32();
    request.string(); // client id
    const call = { node, api, nth: this.countOf(api, node) };
    this.calls.push(call);
    const reaction = this.react(call);
    if (reaction === 'silence' || reaction === 'hang up') {
      if (api === API.produce && this.stores) this.#produce(node, 0, request, new Writing());
      if (reaction === 'hang up') socket.destroy();
      return;
    }
    const code = typeof reaction === 'number' ? reaction : 0;
    const writing = new Writing();
    if (api === API.apiVersions) this.#apiVersions(writing, version);
    else if (api === API.metadata) this.#metadata(request, writing);
    else if (api === API.produce) this.#produce(node, code, request, writing);
    else if (api === API.listOffsets) this.#listOffsets(node, code, request, writing);
    else if (api === API.fetch) await this.#fetch(node, code, request, writing);
    await this.hold(call);
    const body = this.garble(call, writing.bytes());
    const head = Buffer.alloc(8);
    head.writeInt32BE(4 + body.length, 0);
    head.writeInt32BE(correlation, 4);
    socket.write(Buffer.concat([head, body]));
  }

  #apiVersions(writing: Writing, version: number): void {
    writing.int16(0).list([...this.versions], ([key, number]) => writing.int16(key).int16(number).int16(number));
    if (version > 0) writing.int32(0);
  }

  #metadata(request: Reading, writing: Writing): void {
    const asked = request.list(() => request.string());
    const known = asked.filter((topic) => this.topics.has(topic));
    writing
      .int32(0)
      .list(this.#servers, (server, index) =>
        writing
          .int32(index + 1)
          .string('127.0.0.1')
          .int32((server.address() as AddressInfo).port)
          .int16(-1),
      )
      .int16(-1)
      .int32(1)
      .list(asked, (topic) => {
        writing
          .int16(known.includes(topic) ? 0 : CODE.unknownTopic)
          .string(topic)
          .int8(0);
        const partitions = Array.from({ length: this.topics.get(topic) ?? 0 }, (_, partition) => partition);
        writing.list(partitions, (partition) => {
          const leader = this.leaders.get(`${topic}/${partition}`) ?? -1;
          writing
            .int16(leader < 0 ? 5 : 0)
            .int32(partition)
            .int32(leader)
            .int32(0)
            .int32(0);
        });
      });
  }

  #codeFor(node: number, forced: number, topic: string, partition: number): number {
    if (forced !== 0) return forced;
    return this.leaders.get(`${topic}/${partition}`) === node ? 0 : CODE.notLeader;
  }

  #produce(node: number, forced: number, request: Reading, writing: Writing): void {
    request.nullableString(); // transactional id
    request.int16(); // acks
    request.int32(); // timeout
    const topics = request.list(() => ({
      topic: request.string(),
      partitions: request.list(() => ({ partition: request.int32(), set: request.take(request.int32()) })),
    }));
    const answers = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions
        .map(({ partition, set }) => {
          const code = this.#codeFor(node, forced, topic, partition);
          const base = this.log(topic, partition).end;
          if (code !== 0) return { topic, partition, code, base: -1n };
          const stored = Buffer.from(set);
          stored.writeBigInt64BE(base, 0);
          this.append(topic, partition, stored);
          return { topic, partition, code, base };
        })
        .filter((answer) => !this.omit(answer)),
    }));
    writing
      .list(answers, ({ topic, partitions }) =>
        writing.string(topic).list(partitions, ({ partition, code, base }) =>
          writing
            .int32(partition)
            .int16(code)
            .int64(base)
            .int64(-1n)
            .int64(0n)
            .list([], () => undefined)
            .int16(-1),
        ),
      )
      .int32(this.throttleMs);
  }

  #listOffsets(node: number, forced: number, request: Reading, writing: Writing): void {
    request.int32();
    request.int8();
    const topics = request.list(() => ({
      topic: request.string(),
      partitions: request.list(() => ({ partition: request.int32(), at: request.int64() })),
    }));
    writing.int32(0).list(topics, ({ topic, partitions }) => {
      writing.string(topic).list(partitions, ({ partition, at }) => {
        const { start, end } = this.log(topic, partition);
        const code = this.#codeFor(node, forced, topic, partition);
        writing
          .int32(partition)
          .int16(code)
          .int64(-1n)
          .int64(at === -2n ? start : at === -1n ? end : -1n);
      });
    });
  }

  async #fetch(node: number, forced: number, request: Reading, writing: Writing): Promise<void> {
    request.take(4);
    const maxWaitMs = request.int32();
    request.take(4);
    let leftBytes = request.int32();
    request.take(1 + 4 + 4);
    const topics = request.list(() => ({
      topic: request.string(),
      partitions: request.list(() => {
        const partition = request.int32();
        request.int32();
        const offset = request.int64();
        request.take(12);
        return { partition, offset };
      }),
    }));
    const hasNews = topics.some(({ topic, partitions }) =>
      partitions.some(({ partition, offset }) => {
        const isOurs = this.#codeFor(node, forced, topic, partition) === 0;
        const { start, end } = this.log(topic, partition);
        return !isOurs || offset < start || offset !== end;
      }),
    );
    if (!hasNews) await new Promise((resolve) => setTimeout(resolve, Math.min(maxWaitMs, 10)));
    writing
      .int32(this.throttleMs)
      .int16(0)
      .int32(0)
      .list(topics, ({ topic, partitions }) => {
        writing.string(topic).list(partitions, ({ partition, offset }) => {
          const { start, end, batches } = this.log(topic, partition);
          const leaderCode = this.#codeFor(node, forced, topic, partition);
          const code = leaderCode !== 0 ? leaderCode : offset < start || offset > end ? CODE.outOfRange : 0;
          const set = code === 0 ? batches.filter(({ next }) => next > offset).map(({ bytes }) => bytes) : [];
          // Whole batches, of which only the last goes beyond the limit.
          const fitting = set.filter(({ length }) => {
            const fits = leftBytes > 0;
            leftBytes -= length;
            return fits;
          });
          const bytes = Buffer.concat(fitting);
          writing.int32(partition).int16(code).int64(end).int64(end).int64(start).int32(-1).int32(-1);
          writing.int32(bytes.length).raw(bytes);
        });
      });
  }
}

class Reading {
  #at = 0;
  constructor(private readonly buffer: Buffer) {}
  take(length: number): Buffer {
    this.#at += length;
    return this.buffer.subarray(this.#at - length, this.#at);
  }
  int8 = (): number => this.take(1).readInt8();
  int16 = (): number => this.take(2).readInt16BE();
  int32 = (): number => this.take(4).readInt32BE();
  int64 = (): bigint => this.take(8).readBigInt64BE();
  string = (): string => this.take(this.int16()).toString();
  nullableString(): void {
    this.take(Math.max(0, this.int16()));
  }
  list<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, item);
  }
}

class Writing {
  readonly #pieces: Buffer[] = [];
  raw(bytes: Buffer): this {
    this.#pieces.push(bytes);
    return this;
  }
  int8 = (value: number): this => this.raw(Buffer.from([value]));
  int16(value: number): this {
    const piece = Buffer.alloc(2);
    piece.writeInt16BE(value);
    return this.raw(piece);
  }
  int32(value: number): this {
    const piece = Buffer.alloc(4);
    piece.writeInt32BE(value);
    return this.raw(piece);
  }
  int64(value: bigint): this {
    const piece = Buffer.alloc(8);
    piece.writeBigInt64BE(value);
    return this.raw(piece);
  }
  string(value: string): this {
    return this.int16(Buffer.byteLength(value)).raw(Buffer.from(value));
  }
  list<T>(items: readonly T[], write: (item: T, index: number) => unknown): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }
  bytes = (): Buffer => Buffer.concat(this.#pieces);
}
