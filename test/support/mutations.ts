/** What a socket.io client may say, and what it may not. */
export const wellFormed = (token: string, challengeId: string): readonly string[] => [
  `40${JSON.stringify({ token })}`,
  `421["join_challenge",${JSON.stringify({ challenge_id: challengeId })}]`,
  `422["join_challenge",${JSON.stringify({ challenge_id: challengeId, cursor: { epoch: 1, sequence: 7 }, history: 20 })}]`,
  `423["leave_challenge",${JSON.stringify({ challenge_id: challengeId })}]`,
  `424["refresh_token",${JSON.stringify({ token })}]`,
  '42["drop_tables",{"a":[1,2,{"b":null}]}]',
  '431[{"ok":true}]',
  '451-5["join_challenge",{"_placeholder":true,"num":0}]',
  '40/other,{"token":"x"}',
  '41',
  '44{"message":"x"}',
  '2probe',
  '3',
  '5',
  '1',
];

const ODD = [
  '\u0000',
  '\ud800',
  '\u2028',
  '"',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '-',
  '__proto__',
  'constructor',
  '1e400',
  '9'.repeat(30),
];

/** One more change, or a few. */
export function mutated(text: string, chance: () => number): Buffer {
  let bytes = Buffer.from(text);
  const any = (length: number): number => Math.floor(chance() * length);
  for (let changes = 1 + any(4); changes > 0; changes -= 1) {
    const at = any(bytes.length + 1);
    const to = Math.min(bytes.length, at + 1 + any(12));
    const odd = Buffer.from(ODD[any(ODD.length)] as string);
    const kind = any(7);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), odd, bytes.subarray(at)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at, to), bytes.subarray(to)]);
    else if (kind === 3) bytes = bytes.subarray(0, at);
    else if (kind === 4 && at < bytes.length) (bytes = Buffer.from(bytes))[at] = any(256);
    else if (kind === 5)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(any(400), odd), bytes.subarray(at)]);
    else if (at < bytes.length) (bytes = Buffer.from(bytes))[at] = (bytes[at] as number) ^ (1 << any(8));
  }
  return bytes;
}

const FINAL = 0x80;
const MASKED = 0x80;

/** A client's WebSocket frame. */
export function clientFrame(payload: Buffer, chance: () => number, opcode = 1): Buffer {
  const mask = Buffer.from([0, 0, 0, 0].map(() => Math.floor(chance() * 256)));
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 2 ** 16 ? 4 : 10);
  head.set([FINAL | opcode, MASKED | (length < 126 ? length : length < 2 ** 16 ? 126 : 127)]);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] as number))]);
}

/** One whose head says what is not so: reserved bits and opcodes, no mask, a length that is a lie, a part of a message. */
export function brokenFrame(payload: Buffer, chance: () => number): Buffer {
  const frame = clientFrame(payload, chance, Math.floor(chance() * 16));
  if (chance() < 0.6) frame[0] = Math.floor(chance() * 256);
  if (chance() < 0.4) frame[1] = Math.floor(chance() * 256);
  return frame;
}
