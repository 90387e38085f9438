const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

/** MurmurHash2 with the seed of Java's client: keys keep their partition whoever writes them. A signed 32-bit number. */
export function murmur2(bytes: Buffer): number {
  const whole = bytes.length & ~3;
  let hash = SEED ^ bytes.length;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), MIX);
    word = Math.imul(word ^ (word >>> 24), MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  if (whole < bytes.length) {
    hash = Math.imul(hash ^ bytes.readUIntLE(whole, bytes.length - whole), MIX);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}

/** The partition Java's client chooses for a key. `count` is configured, never taken from metadata (pitfall K10). */
export const partitionOf = (key: string, count: number): number => (murmur2(Buffer.from(key)) & 0x7fffffff) % count;
