import { SOCKET_EVENT, type Cursor, type SocketEvent } from '@tradesense/contracts';

import { packetAround, packetFrom, type Packet } from './packet.js';

export interface FrameFacts extends Cursor {
  readonly name: SocketEvent;
  /** When the database had it, milliseconds since 1970: for the latency from commit to socket. */
  readonly committedAtMs: number;
  /** When Kafka had it, by the broker's clock: for its age in the ring. */
  readonly storedAtMs: number;
}

/** An event ready to be sent, once for all members of its room. Rings keep its bytes, to make it again for whoever is late. */
export interface Frame extends Cursor, Packet {
  readonly name: SocketEvent;
  /** The sequence it follows: sequence - 1, unless it stands in for older equity updates. */
  readonly prev: number;
  /** Milliseconds since `ERA_MS`, as `committedAtMs` tells. */
  readonly committed: number;
  /** As `storedAtMs` tells. */
  readonly stored: number;
}

/** Within some weeks of it a time in milliseconds is a small integer, which lies in the frame; any other is an object of its own. */
const ERA_MS = Date.now();

export const committedAtMs = ({ committed }: Frame): number => ERA_MS + committed;
export const storedAtMs = ({ stored }: Pick<Frame, 'stored'>): number => ERA_MS + stored;

const OPEN = Object.fromEntries(Object.values(SOCKET_EVENT).map((name) => [name, `42["${name}",`])) as Record<
  SocketEvent,
  string
>;

/** @param payload Kafka's value, which is a JSON object in UTF-8, or will be found not to be: then the frame is thrown away */
export function eventFrame(facts: FrameFacts, payload: Buffer): Frame {
  const { name, epoch, sequence } = facts;
  const committed = facts.committedAtMs - ERA_MS;
  const stored = facts.storedAtMs - ERA_MS;
  return frameOf({ name, epoch, sequence, committed, stored }, sequence - 1, payload);
}

/** Stands in for older equity updates; its second argument names the sequence that it follows. */
export const conflatedFrame = (frame: Frame, prev: number): Frame =>
  frameOf(frame, prev, Buffer.from(payloadOf(frame), 'latin1'));

/** A character a byte. */
export function payloadOf({ name, prev, sequence, wire, textAt }: Frame): string {
  return wire.slice(textAt + OPEN[name].length - 1, wire.length - closeOf(prev, sequence).length);
}

const closeOf = (prev: number, sequence: number): string =>
  prev === sequence - 1 ? ']' : `,{"prev_sequence":${prev}}]`;

type Kept = Pick<Frame, 'name' | 'epoch' | 'sequence' | 'committed' | 'stored'>;

const frameOf = (kept: Kept, prev: number, payload: Buffer): Frame =>
  frameAround(kept, prev, packetAround(OPEN[kept.name], payload, closeOf(prev, kept.sequence)));

/** Made again, of what was kept of it. */
export const frameFrom = (kept: Kept, prev: number, wire: string): Frame => frameAround(kept, prev, packetFrom(wire));

// Not `...kept`: V8 is to see one kind of frame, whoever made it.
function frameAround({ name, epoch, sequence, committed, stored }: Kept, prev: number, packet: Packet): Frame {
  return { name, epoch, sequence, prev, committed, stored, wire: packet.wire, textAt: packet.textAt };
}
