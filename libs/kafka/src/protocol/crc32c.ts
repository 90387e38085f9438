const POLYNOMIAL = 0x82f63b78; // its bits reflected

const byBit = (sum: number): number => ((sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ POLYNOMIAL);
/** Each table is for a byte that stands one further from the end than the table before. */
const tables = [Int32Array.from({ length: 256 }, (_, byte) => Array(8).fill(0).reduce(byBit, byte))];
for (const table of tables)
  if (tables.length < 8) tables.push(table.map((sum) => (sum >>> 8) ^ tables[0]![sum & 0xff]!));
type Eight<T> = readonly [T, T, T, T, T, T, T, T];
const [T0, T1, T2, T3, T4, T5, T6, T7] = tables as unknown as Eight<Int32Array>;

/**
 * CRC-32C (not zlib's CRC-32) of bytes [from, to). Eight bytes a step with a table for each: 0.7 ms per MiB, where one table
 * and one byte a step take 3.
 */
export function crc32c(bytes: Buffer, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = -1;
  let at = from;
  for (; to - at >= 8; at += 8) {
    const low = sum ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    sum =
      T7[low & 0xff]! ^
      T6[(low >>> 8) & 0xff]! ^
      T5[(low >>> 16) & 0xff]! ^
      T4[low >>> 24]! ^
      T3[high & 0xff]! ^
      T2[(high >>> 8) & 0xff]! ^
      T1[(high >>> 16) & 0xff]! ^
      T0[high >>> 24]!;
  }
  for (; at < to; at += 1) sum = T0[(sum ^ bytes[at]!) & 0xff]! ^ (sum >>> 8);
  return ~sum >>> 0;
}
