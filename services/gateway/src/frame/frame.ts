import { SOCKET_EVENT, type Cursor, type SocketEvent } from '@tradesense/contracts';

import { packetAround, type Packet } from './packet.js';

export interface FrameFacts extends Cursor {
  readonly name: SocketEvent;
  /** When the database had it, milliseconds since 1970: for the latency from commit to socket. */
  readonly committedAtMs: number;
  /** When Kafka had it, by the broker's clock: for its age in the ring. */
  readonly storedAtMs: number;
}

/** An event ready to be sent. Rooms keep and share it; nobody builds it again. */
export interface Frame extends FrameFacts, Packet {
  /** The sequence it follows: sequence - 1, unless it stands in for older equity updates. */
  readonly prev: number;
}

const OPEN = Object.fromEntries(Object.values(SOCKET_EVENT).map((name) => [name, `42["${name}",`])) as Record<
  SocketEvent,
  string
>;

/** @param payload Kafka's value, which is a JSON object in UTF-8, or will be found not to be: then the frame is thrown away */
export const eventFrame = (facts: FrameFacts, payload: Buffer): Frame => frameOf(facts, facts.sequence - 1, payload);

/** Stands in for older equity updates; its second argument names the sequence that it follows. */
export const conflatedFrame = (frame: Frame, prev: number): Frame =>
  frameOf(frame, prev, Buffer.from(payloadOf(frame), 'latin1'));

/** A character a byte. */
export function payloadOf({ name, prev, sequence, wire, textAt }: Frame): string {
  return wire.slice(textAt + OPEN[name].length - 1, wire.length - closeOf(prev, sequence).length);
}

const closeOf = (prev: number, sequence: number): string =>
  prev === sequence - 1 ? ']' : `,{"prev_sequence":${prev}}]`;

// Not `...facts`: of every frame that is kept each field costs something.
function frameOf(facts: FrameFacts, prev: number, payload: Buffer): Frame {
  const { name, epoch, sequence, committedAtMs, storedAtMs } = facts;
  const { wire, textAt } = packetAround(OPEN[name], payload, closeOf(prev, sequence));
  return { name, epoch, sequence, prev, committedAtMs, storedAtMs, wire, textAt };
}
