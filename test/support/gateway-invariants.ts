import type { Frame } from '../../services/gateway/src/frame/index.js';
import type { Ring } from '../../services/gateway/src/rooms/index.js';

/** What a ring holds, the oldest first. */
export function framesOf(ring: Ring): readonly Frame[] {
  const frames: Frame[] = [];
  for (let next = ring.beyond(ring.base); next !== undefined; next = ring.beyond(next.frame.sequence))
    frames.push(next.frame);
  return frames;
}

/** Breaches of R1 and R2 of a ring, in words. */
export function ringFaults(ring: Ring): readonly string[] {
  const faults: string[] = [];
  const frames = framesOf(ring);
  if (frames.length !== ring.length) faults.push(`${frames.length} frames are found, length is ${ring.length}`);
  let before = ring.base;
  for (const { prev, sequence, epoch } of frames) {
    if (prev !== before) faults.push(`frame ${sequence} follows ${prev}, the one before it is ${before}`);
    if (sequence <= prev) faults.push(`frame ${sequence} follows ${prev}`);
    if (epoch !== ring.epoch) faults.push(`frame ${sequence} is of epoch ${epoch}, the ring of ${ring.epoch}`);
    before = sequence;
  }
  if (before !== ring.head) faults.push(`the last frame is ${before}, head is ${ring.head}`);
  return faults;
}
