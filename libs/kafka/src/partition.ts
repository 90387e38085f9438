import { Fault } from '@tradesense/platform';

const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

/** MurmurHash2 with the seed of Java's client: keys keep their partition whoever writes them. A signed 32-bit number. */
export function murmur2(bytes: Buffer, length = bytes.length): number {
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), MIX);
    word = Math.imul(word ^ (word >>> 24), MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  if (whole < length) hash = Math.imul(hash ^ bytes.readUIntLE(whole, length - whole), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}

const WIDEST = 3; // bytes of UTF-8 per UTF-16 unit
/** A buffer per key would be the larger part of the work. */
const scratch = Buffer.alloc(WIDEST * 256);
const hashOf = (key: string): number =>
  key.length * WIDEST <= scratch.length ? murmur2(scratch, scratch.write(key)) : murmur2(Buffer.from(key));

/** The partition Java's client chooses for a key. `count` is configured, never taken from metadata (pitfall K10). */
export const partitionOf = (key: string, count: number): number => (hashOf(key) & 0x7fffffff) % count;

/** Keys would move, and a challenge's older and newer events be in two partitions: nothing is done with such a topic. */
export const partitionCountFault = (
  topic: string,
  { found, configured }: { readonly found: number; readonly configured: number | undefined },
): Fault =>
  new Fault('partition-count', 'stop', `topic ${topic} has ${found} partitions, configured are ${configured}`);
