import type { Channel } from './channel.js';

/** Work is cut into slices of this length, so that joins, pings and Kafka are answered in between. */
const SLICE_MS = 5;
/** The clock is looked at after so many channels, of which one takes some 20 microseconds. */
const UNTIMED = 8;

/** Channels that have something to write and may, in the order in which they said so. */
export class Pump {
  readonly #ready = new Set<Channel>();
  #isScheduled = false;

  constructor(private readonly monotonicMs: () => number) {}

  add(channel: Channel): void {
    this.#ready.add(channel);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    const beganMs = this.monotonicMs();
    let nowMs = beganMs;
    let pulled = 0;
    for (const channel of this.#ready) {
      this.#ready.delete(channel);
      channel.pull(nowMs);
      pulled += 1;
      if (pulled % UNTIMED !== 0) continue;
      nowMs = this.monotonicMs();
      if (nowMs - beganMs > SLICE_MS) break;
    }
    this.#isScheduled = this.#ready.size > 0;
    if (this.#isScheduled) setImmediate(() => this.#run());
  }
}
