import { Channel, Pump, type Pipe } from '../../services/gateway/src/delivery/index.js';
import type { Packet } from '../../services/gateway/src/frame/index.js';
import { Member, type JoinRequest, type Room } from '../../services/gateway/src/rooms/index.js';
import type { Message } from './gateway-room.js';

const quiet = (): void => undefined;
const SIGNALS = { wrote: quiet, frame: quiet, joined: quiet, snapshot: quiet, collapsed: quiet, shut: quiet };
/** Nothing here takes time. */
const NOW_MS = 0;
const SHORT = 126;
const LONG = 127;

/**
 * A connection without a network: the gateway's own channel and member at one end, a peer that reads bytes at the other, and
 * between them a cut after any byte. Only messages that arrived whole are heard.
 */
export class ByteLine implements Pipe {
  isWritable = true;
  isCut = false;
  readonly #channel: Channel;
  #member: Member | undefined;
  #arrived = Buffer.alloc(0);
  /** How many more bytes arrive. */
  #left = Infinity;

  constructor(private readonly heard: (message: Message) => void) {
    this.#channel = new Channel(this, new Pump(() => NOW_MS), SIGNALS, 0, 0);
  }

  /** As transport does it, in one tick. */
  join(room: Room, request: JoinRequest): void {
    this.#member = new Member(room, this.#channel, request);
    room.enter(this.#member);
    this.#member.news();
  }

  cutAfter(bytes: number): void {
    this.#left = bytes;
    if (bytes <= 0) this.cut();
  }

  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    this.isWritable = false;
    this.#channel.ended();
    this.#member?.room.leave(this.#member);
  }

  write(packets: readonly Packet[], asks: boolean): void {
    const bytes = Buffer.from(packets.map(({ wire }) => wire).join(''), 'latin1');
    this.#channel.wrote(bytes.length, NOW_MS);
    if (asks) this.ping();
    this.isWritable = false;
    setImmediate(() => this.#drained());
    this.#arrived = Buffer.concat([this.#arrived, bytes.subarray(0, this.#left)]);
    this.#left -= bytes.length;
    this.#hear();
    if (this.#left <= 0) this.cut();
  }

  ping(): void {
    this.#channel.pinged(NOW_MS);
    setImmediate(() => this.#channel.ponged(NOW_MS)); // or nothing, where the channel has ended
  }

  evicted(): void {}
  end(): void {
    this.cut();
  }

  #drained(): void {
    if (this.isCut) return;
    this.isWritable = true;
    this.#channel.resume();
  }

  #hear(): void {
    for (;;) {
      const { length } = this.#arrived;
      if (length < 2) return;
      const short = this.#arrived.readUInt8(1);
      if (short === LONG) throw new Error('a frame of more than 64 KiB');
      const at = short < SHORT ? 2 : 4;
      if (length < at) return;
      const end = at + (short < SHORT ? short : this.#arrived.readUInt16BE(2));
      if (length < end) return;
      const text = this.#arrived.toString('utf8', at + '42'.length, end);
      this.#arrived = this.#arrived.subarray(end);
      const [name, body, bridge] = JSON.parse(text) as [string, Message['body'], Message['bridge']];
      this.heard({ name, body, bridge });
    }
  }
}
