/**
 * One engine.io message of type "message", with the header of the unmasked WebSocket text frame that carries it. WebSocket
 * connections are sent `wire`; polling ones get the text inside, which engine.io wraps again.
 *
 * Bytes are kept as a string of one character each (latin1): V8 moves a string about with the rest of its heap, while each small
 * Buffer is three objects and a piece of foreign memory, which cost more than all else that is done for a frame (decision 008).
 */
export interface Packet {
  readonly wire: string;
  /** Where socket.io's text begins, behind the WebSocket header and engine.io's "4". */
  readonly textAt: number;
}

const FINAL_TEXT = '\x81';
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/** @param text from engine.io's type digit on, a character a byte: valid UTF-8, since a browser closes a socket that sends else */
export function packetOf(text: string): Packet {
  const header = FINAL_TEXT + lengthOf(text);
  return { wire: header + text, textAt: header.length + 1 };
}

function lengthOf({ length }: string): string {
  if (length < LENGTH_IN_16_BITS) return String.fromCharCode(length);
  if (length < 0x1_0000) return String.fromCharCode(LENGTH_IN_16_BITS, length >>> 8, length & 0xff);
  const bytes = Buffer.alloc(9, LENGTH_IN_64_BITS);
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes.toString('latin1');
}

/** The text that socket.io hands to engine.io. */
export const textOf = ({ wire, textAt }: Packet): string => Buffer.from(wire.slice(textAt), 'latin1').toString('utf8');

/** A text's bytes in UTF-8, a character each. */
export const inBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
