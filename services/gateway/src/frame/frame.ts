import { SOCKET_EVENT, type Cursor, type SocketEvent } from '@tradesense/contracts';

import { packetOf, type Packet } from './packet.js';

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
  readonly payloadAt: number;
  readonly payloadEnd: number;
}

const CLOSE = ']';
const OPEN = Object.fromEntries(Object.values(SOCKET_EVENT).map((name) => [name, `42["${name}",`])) as Record<
  SocketEvent,
  string
>;

/** @param payload Kafka's value, a character a byte, which intake has checked to be a JSON object in UTF-8 */
export const eventFrame = (facts: FrameFacts, payload: string): Frame =>
  frameOf(facts, facts.sequence - 1, payload, CLOSE);

/** Stands in for older equity updates; its second argument names the sequence that it follows. */
export function conflatedFrame(frame: Frame, prev: number): Frame {
  const { wire, payloadAt, payloadEnd } = frame;
  return frameOf(frame, prev, wire.slice(payloadAt, payloadEnd), `,{"prev_sequence":${prev}}]`);
}

function frameOf(facts: FrameFacts, prev: number, payload: string, close: string): Frame {
  const { name, epoch, sequence, committedAtMs, storedAtMs } = facts;
  const { wire, textAt } = packetOf(OPEN[name] + payload + close);
  const payloadEnd = wire.length - close.length;
  const payloadAt = payloadEnd - payload.length;
  return { name, epoch, sequence, prev, committedAtMs, storedAtMs, wire, textAt, payloadAt, payloadEnd };
}
