import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Direction = 'requests' | 'replies';
const READ_AHEAD_BYTES = 256 * 1024;
const SLICES_PER_S = 20;

/**
 * A link that can break: clients connect to its port and are carried to the target. Faults rule what is on its way already
 * as well as what follows, and last until `heal`. What can't be handed on is read no further, so that a slow or frozen link
 * pushes back on its sender as a real one does.
 */
export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  readonly #left: Record<Direction, number> = { requests: Infinity, replies: Infinity };
  #server: Server | undefined;
  #accepted = 0;
  #delayMs = 0;
  #bytesPerS = Infinity;
  #isDroppingReplies = false;
  #thawed: Promise<void> = Promise.resolve();
  #thaw: () => void = () => undefined;

  constructor(
    private readonly target: { readonly host: string; readonly port: number },
    /** 0 takes a free one. */
    public port = 0,
  ) {}

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#carry(client));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    const closed = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    this.cut();
    await this.heal({ listen: false });
    await Promise.all(closed);
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }
  /** Connections that clients have opened here, ever; also in vain, because the target was not there. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Each byte arrives so much later; as many as before arrive per second. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }
  /** Connections are reset, new ones refused. */
  cut(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) reset(socket);
  }
  /** Cuts when that many more bytes have passed in that direction, be it in the middle of a message. */
  cutAfter(bytes: number, direction: Direction): void {
    this.#left[direction] = bytes;
  }
  /** Connections stay, also new ones; no byte arrives. */
  freeze(): void {
    this.#thaw();
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve));
  }
  throttle(bytesPerS: number): void {
    this.#bytesPerS = bytesPerS;
  }
  /** Requests arrive; their answers never do, then or later. */
  dropReplies(): void {
    this.#isDroppingReplies = true;
  }
  /** Ends all faults. What was frozen or delayed goes on; what was reset or dropped is gone. */
  async heal({ listen = true } = {}): Promise<void> {
    this.#delayMs = 0;
    this.#bytesPerS = this.#left.requests = this.#left.replies = Infinity;
    this.#isDroppingReplies = false;
    this.#thaw();
    if (listen) await this.start();
  }

  #carry(client: Socket): void {
    this.#accepted += 1;
    const server = connect({ ...this.target, allowHalfOpen: true });
    for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
      this.#sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined); // its close says it all
      socket.on('close', (hadError) => {
        this.#sockets.delete(socket);
        if (hadError) reset(other);
      });
    }
    void this.#pump(client, server, 'requests');
    void this.#pump(server, client, 'replies');
  }

  async #pump(from: Socket, to: Socket, direction: Direction): Promise<void> {
    let waiting = 0;
    let last = Promise.resolve();
    try {
      for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const due = performance.now() + this.#delayMs;
        waiting += piece.length;
        last = last.then(() => this.#hand(piece, to, direction, due)).then(() => void (waiting -= piece.length));
        last.catch(() => undefined); // told by the next wait for it
        if (waiting > READ_AHEAD_BYTES) await last;
      }
      await last;
      to.end();
    } catch {
      reset(from);
      reset(to);
    }
  }

  async #hand(piece: Buffer, to: Socket, direction: Direction, due: number): Promise<void> {
    if (due > performance.now()) await sleep(due - performance.now());
    for (let at = 0; at < piece.length && !to.destroyed;) {
      await this.#thawed;
      const slice = Math.max(
        1,
        Math.floor(Math.min(this.#bytesPerS / SLICES_PER_S, this.#left[direction], piece.length - at)),
      );
      if (this.#bytesPerS < Infinity) await sleep((slice / this.#bytesPerS) * 1_000);
      const dropped = this.#isDroppingReplies && direction === 'replies';
      if (!dropped) await written(to, piece.subarray(at, at + slice));
      at += slice;
      this.#left[direction] -= slice;
      if (this.#left[direction] <= 0) this.cut();
    }
  }
}

const written = (to: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => to.write(bytes, () => resolve()));

/**
 * A reset and nothing before it. Node's own resetAndDestroy first writes what is waiting and ends in order, unless there is
 * nothing to be written any more; destroy leaves no time for it. While a socket's own end is under way libuv refuses to reset
 * it (EINVAL), and Node then never closes it: its process could not even exit.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) return void socket.destroy();
  Object.assign(socket, { writable: false });
  socket.resetAndDestroy().destroy();
}
