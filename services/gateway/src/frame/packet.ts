/**
 * One engine.io message of type "message", with the header of the unmasked WebSocket text frame that carries it. WebSocket
 * connections are sent `wire`; polling ones get the text inside, which engine.io wraps again.
 *
 * Bytes are a string of one character each (latin1): V8 moves a string about with the rest of its heap, while each small
 * Buffer is three objects and a piece of foreign memory, which cost more than all else that is done for a frame (decision 008).
 */
export interface Packet {
  readonly wire: string;
  /** Where socket.io's text begins, behind the WebSocket header and engine.io's "4". */
  readonly textAt: number;
}

const FINAL_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;
const LONGEST_HEADER = 10;

/** @param text from engine.io's type digit on, a character a byte: valid UTF-8, since a browser closes a socket that sends else */
export const packetOf = (text: string): Packet => packetAround('', Buffer.from(text, 'latin1'), '');

let scratch = Buffer.allocUnsafe(LONGEST_HEADER + 64 * 1024);

/**
 * Put together in a buffer that is used again and again, so that the string is made once and in one piece: one that was joined is
 * two objects, and copied once more when it is written.
 */
export function packetAround(open: string, payload: Buffer, close: string): Packet {
  const longest = LONGEST_HEADER + open.length + payload.length + close.length;
  if (longest > scratch.length) scratch = Buffer.allocUnsafe(longest);
  let end = LONGEST_HEADER + scratch.write(open, LONGEST_HEADER, 'latin1');
  end += payload.copy(scratch, end);
  end += scratch.write(close, end, 'latin1');
  const start = writeHeader(end - LONGEST_HEADER);
  return { wire: scratch.toString('latin1', start, end), textAt: LONGEST_HEADER - start + 1 };
}

/** Before the text, which begins at LONGEST_HEADER. @returns where it begins itself */
function writeHeader(length: number): number {
  let start = LONGEST_HEADER - 2;
  if (length < LENGTH_IN_16_BITS) scratch[start + 1] = length;
  else if (length < 0x1_0000) {
    start -= 2;
    scratch[start + 1] = LENGTH_IN_16_BITS;
    scratch.writeUInt16BE(length, start + 2);
  } else {
    start -= 8;
    scratch[start + 1] = LENGTH_IN_64_BITS;
    scratch.writeBigUInt64BE(BigInt(length), start + 2);
  }
  scratch[start] = FINAL_TEXT;
  return start;
}

/** Of bytes that were put together before. */
export function packetFrom(wire: string): Packet {
  const length = wire.charCodeAt(1);
  const header = length < LENGTH_IN_16_BITS ? 2 : length === LENGTH_IN_16_BITS ? 4 : LONGEST_HEADER;
  return { wire, textAt: header + 1 };
}

/** The text that socket.io hands to engine.io. */
export const textOf = ({ wire, textAt }: Packet): string => Buffer.from(wire.slice(textAt), 'latin1').toString('utf8');

/** A text's bytes in UTF-8, a character each. */
export const inBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
