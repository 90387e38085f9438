import { conflatedFrame, storedAtMs, type Frame } from '../../services/gateway/src/frame/index.js';
import type { RingLimits } from '../../services/gateway/src/rooms/index.js';

const isEquity = (frame: Frame | undefined): boolean => frame?.name === 'equity_updated';

/** What a ring is to hold, as an array of the frames themselves. */
export class ModelRing {
  frames: Frame[] = [];

  constructor(
    public head: number,
    private readonly limits: RingLimits,
  ) {}

  get base(): number {
    return this.frames[0]?.prev ?? this.head;
  }
  get bytes(): number {
    return this.frames.reduce((sum, { wire }) => sum + wire.length, 0);
  }

  push(frame: Frame): void {
    this.frames.push(frame);
    this.head = frame.sequence;
    if (this.frames.length > this.limits.frames || this.bytes > this.limits.bytes) this.#thin();
  }

  dropOlder(thanMs: number): void {
    const kept = this.frames.findIndex((frame) => storedAtMs(frame) >= thanMs);
    this.frames = kept === -1 ? [] : this.frames.slice(kept);
  }

  /** The first frame beyond, or the last of the run of equity updates that begins with it. */
  beyond(sequence: number, conflates: boolean): { readonly frame: Frame; readonly collapsed: number } | undefined {
    const [first, ...others] = this.frames.filter((frame) => frame.sequence > sequence);
    if (first === undefined) return undefined;
    const other = others.findIndex((frame) => !isEquity(frame));
    const run = conflates && isEquity(first) ? others.slice(0, other === -1 ? others.length : other) : [];
    return { frame: run.at(-1) ?? first, collapsed: run.length };
  }

  before(count: number): number {
    return this.frames.slice(-count)[0]?.prev ?? this.head;
  }

  #thin(): void {
    const old = this.frames.splice(0, Math.floor((this.frames.length * 3) / 4));
    const kept = old.filter((frame, index) => !isEquity(frame) || !isEquity(old[index + 1]));
    const first = old[0]?.prev ?? this.base;
    const bridged = kept.map((frame, index) => {
      const prev = kept[index - 1]?.sequence ?? first;
      return prev === frame.prev ? frame : conflatedFrame(frame, prev);
    });
    this.frames.unshift(...bridged);
    while (this.frames.length > (this.limits.frames * 3) / 4 || this.bytes > (this.limits.bytes * 3) / 4)
      this.frames.shift();
  }
}
