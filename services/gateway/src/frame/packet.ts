/**
 * One engine.io message of type "message", with the header of the unmasked WebSocket text frame that carries it. WebSocket
 * connections are sent `bytes`; polling ones get the text inside, which engine.io wraps again.
 */
export interface Packet {
  readonly bytes: Buffer;
  /** Where socket.io's text begins, behind the WebSocket header and engine.io's "4". */
  readonly textAt: number;
}

const FINAL_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/** @param parts the text from engine.io's type digit on: valid UTF-8, since a browser closes a socket that sends anything else */
export function packetOf(parts: readonly Buffer[]): Packet {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const headerLength = length < LENGTH_IN_16_BITS ? 2 : length < 0x1_0000 ? 4 : 10;
  // Not from the pool: a frame that lies in a ring for minutes would keep the pool's 8 KiB with it.
  const bytes = Buffer.allocUnsafeSlow(headerLength + length);
  bytes[0] = FINAL_TEXT;
  if (headerLength === 2) bytes[1] = length;
  else if (headerLength === 4) {
    bytes[1] = LENGTH_IN_16_BITS;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = LENGTH_IN_64_BITS;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  let at = headerLength;
  for (const part of parts) at += part.copy(bytes, at);
  return { bytes, textAt: headerLength + 1 };
}

/** The text that socket.io hands to engine.io. */
export const textOf = ({ bytes, textAt }: Packet): string => bytes.toString('utf8', textAt);
