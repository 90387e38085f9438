import type { Channel } from './channel.js';

/** Work is cut into slices of this length, so that joins, pings and Kafka are answered in between. */
const SLICE_MS = 5;
/** The clock is looked at after so many channels, of which one takes some 20 microseconds. */
const UNTIMED = 8;

/** `queueMicrotask` makes a resource for hooks that nobody has, which takes longer than all that the pump does. */
const NOW = Promise.resolve();

/** Channels that have something to write and may, in the order in which they said so. */
export class Pump {
  readonly #ready: Channel[] = [];
  readonly #runNow = (): void => this.#run();
  #isScheduled = false;

  constructor(private readonly monotonicMs: () => number) {}

  add(channel: Channel): void {
    if (channel.isReady) return;
    channel.isReady = true;
    this.#ready.push(channel);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // As soon as whoever has news is done, so before Kafka is asked for more; not within, since there may be more news.
    void NOW.then(this.#runNow);
  }

  #run(): void {
    const beganMs = this.monotonicMs();
    let nowMs = beganMs;
    let pulled = 0;
    while (pulled < this.#ready.length) {
      const channel = this.#ready[pulled] as Channel;
      pulled += 1;
      channel.isReady = false;
      channel.pull(nowMs);
      if (pulled % UNTIMED !== 0) continue;
      nowMs = this.monotonicMs();
      if (nowMs - beganMs > SLICE_MS) break;
    }
    this.#ready.splice(0, pulled);
    this.#isScheduled = this.#ready.length > 0;
    if (this.#isScheduled) setImmediate(this.#runNow);
  }
}
