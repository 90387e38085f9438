import type { Ring } from '../../services/gateway/src/rooms/index.js';

/** Breaches of R1 and R2 of a ring, in words. */
export function ringFaults(ring: Ring): readonly string[] {
  const faults: string[] = [];
  let before = ring.base;
  for (let index = 0; index < ring.length; index += 1) {
    const { prev, sequence, epoch } = ring.at(index)!;
    if (prev !== before) faults.push(`frame ${sequence} follows ${prev}, the one before it is ${before}`);
    if (sequence <= prev) faults.push(`frame ${sequence} follows ${prev}`);
    if (epoch !== ring.epoch) faults.push(`frame ${sequence} is of epoch ${epoch}, the ring of ${ring.epoch}`);
    before = sequence;
  }
  if (before !== ring.head) faults.push(`the last frame is ${before}, head is ${ring.head}`);
  return faults;
}
