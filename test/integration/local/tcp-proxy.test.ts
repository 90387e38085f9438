import { Socket, connect, createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { TcpProxy } from '@tradesense/local';

import { until, within } from '../../support/until.js';

/** A server that answers every byte with the same byte, and counts what it got. */
class Echo {
  readonly #server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      this.received += data.length;
      socket.write(data);
    });
  });
  received = 0;

  async start(): Promise<{ host: string; port: number }> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }
  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A client that keeps what it was sent. */
class Caller {
  received = Buffer.alloc(0);
  #news: () => void = () => undefined;
  readonly closed: Promise<string>;

  private constructor(readonly socket: Socket) {
    socket.on('data', (data) => {
      this.received = Buffer.concat([this.received, data]);
      this.#news();
    });
    this.closed = new Promise((resolve) => {
      let why = 'end';
      socket.on('error', (error: NodeJS.ErrnoException) => (why = error.code ?? error.message));
      socket.on('close', () => resolve(why));
    });
  }

  static async to(port: number): Promise<Caller> {
    const caller = new Caller(connect({ host: '127.0.0.1', port }));
    await Promise.race([once(caller.socket, 'connect'), caller.closed.then((why) => Promise.reject(new Error(why)))]);
    return caller;
  }

  say(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }
  async hears(bytes: number): Promise<string> {
    while (this.received.length < bytes) await new Promise<void>((resolve) => (this.#news = resolve));
    return this.received.toString();
  }
}

/** How long silence is watched, where nothing must happen. */
const SILENCE_MS = 150;

describe('a link that can break', () => {
  const echo = new Echo();
  let target: { host: string; port: number };
  let proxy: TcpProxy;

  beforeAll(async () => {
    target = await echo.start();
  });
  afterAll(() => echo.stop());
  beforeEach(async () => {
    echo.received = 0;
    proxy = new TcpProxy(target);
    await proxy.start();
  });
  afterEach(async () => {
    await proxy.stop();
    expect(proxy.connections).toBe(0);
  });

  it('carries bytes both ways, in order, also more than any buffer holds', async () => {
    const sent = Buffer.alloc(5_000_000, 'abcdefg');
    const caller = (await Caller.to(proxy.port)).say(sent);
    await caller.hears(sent.length);
    expect(caller.received.equals(sent)).toBe(true);
    caller.socket.destroy();
  });

  it('hands on the end of one direction and keeps the other open', async () => {
    const upload = createServer({ allowHalfOpen: true }, (socket) => {
      let got = 0;
      socket.on('data', (data) => (got += data.length)).on('end', () => socket.end(`got ${got}`));
    }).listen(0, '127.0.0.1');
    await once(upload, 'listening');
    const link = new TcpProxy({ host: '127.0.0.1', port: (upload.address() as AddressInfo).port });
    await link.start();
    const caller = await Caller.to(link.port);
    caller.socket.end('12345');
    expect(await caller.hears(5)).toBe('got 5');
    expect(await caller.closed).toBe('end');
    await link.stop();
    upload.close();
  });

  it('delays every byte without letting fewer through per second', async () => {
    proxy.delay(100);
    const caller = await Caller.to(proxy.port);
    const began = performance.now();
    for (let piece = 0; piece < 20; piece += 1) {
      caller.say('x');
      await sleep(5);
    }
    await caller.hears(20);
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThanOrEqual(200); // there and back
    expect(tookMs).toBeLessThan(1_500); // one after the other they would take 20 × 200 ms
    caller.socket.destroy();
  });

  it('resets connections when it is cut, and refuses new ones until it is healed', async () => {
    const caller = (await Caller.to(proxy.port)).say('x');
    await caller.hears(1);
    proxy.cut();
    expect(await caller.closed).toBe('ECONNRESET');
    await expect(Caller.to(proxy.port)).rejects.toThrow('ECONNREFUSED');
    await proxy.heal();
    const again = (await Caller.to(proxy.port)).say('y');
    expect(await again.hears(1)).toBe('y');
    again.socket.destroy();
  });

  it('keeps connections when it is frozen, and delivers when it is healed', async () => {
    const before = (await Caller.to(proxy.port)).say('x');
    await before.hears(1);
    proxy.freeze();
    before.say('12');
    const during = (await Caller.to(proxy.port)).say('34');
    await sleep(SILENCE_MS);
    expect(echo.received).toBe(1);
    await proxy.heal();
    expect(await before.hears(3)).toBe('x12');
    expect(await during.hears(2)).toBe('34');
    before.socket.destroy();
    during.socket.destroy();
  });

  it('pushes back on a sender while it is frozen', async () => {
    proxy.freeze();
    const caller = await Caller.to(proxy.port);
    const sent = 32 * 1024 * 1024;
    caller.say(Buffer.alloc(sent));
    await sleep(SILENCE_MS);
    // The system's buffers take some megabytes; had the proxy read on, nothing would be left to be written.
    expect(caller.socket.writableLength).toBeGreaterThan(sent / 4);
    caller.socket.destroy();
  });

  it('lets no more through per second than it is told', async () => {
    proxy.throttle(10_000);
    const caller = await Caller.to(proxy.port);
    const began = performance.now();
    caller.say(Buffer.alloc(3_000));
    await caller.hears(3_000);
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(2_000);
    caller.socket.destroy();
  });

  it('drops replies while requests arrive', async () => {
    proxy.dropReplies();
    const caller = (await Caller.to(proxy.port)).say('lost');
    await until(
      () => echo.received,
      (received) => received === 4,
    );
    await sleep(SILENCE_MS);
    expect(caller.received).toHaveLength(0);
    await proxy.heal();
    caller.say('seen');
    expect(await caller.hears(4)).toBe('seen');
    caller.socket.destroy();
  });

  it.each(['requests', 'replies'] as const)('cuts in the middle of %s after a number of bytes', async (direction) => {
    proxy.cutAfter(3, direction);
    const caller = (await Caller.to(proxy.port)).say('12345');
    await caller.closed; // libuv calls a reset right behind data an end
    expect(direction === 'requests' ? echo.received : caller.received.length).toBe(3);
    await expect(Caller.to(proxy.port)).rejects.toThrow('ECONNREFUSED');
  });

  it('breaks the client when the server breaks', async () => {
    const server = createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const link = new TcpProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    await link.start();
    const caller = await Caller.to(link.port);
    expect(await caller.closed).toBe('ECONNRESET');
    server.close();
    const afterDeath = await Caller.to(link.port);
    expect(await afterDeath.closed).toBe('ECONNRESET');
    await link.stop();
  });

  it('ends a socket that is half way through its own end, which can not be reset', async () => {
    const link = new TcpProxy(target);
    await link.start();
    const caller = (await Caller.to(link.port)).say('x');
    await caller.hears(1);
    caller.socket.end();
    const end = Socket.prototype.end as (this: Socket, ...args: unknown[]) => Socket;
    // The cut falls into the moment between the proxy's end of a socket and the system's.
    Socket.prototype.end = function cutRightAfter(this: Socket, ...args: unknown[]) {
      const ended = end.apply(this, args);
      link.cut();
      return ended;
    };
    try {
      await caller.closed;
    } finally {
      Socket.prototype.end = end;
    }
    await within(2_000, 'the link has stopped', link.stop());
  });
});
