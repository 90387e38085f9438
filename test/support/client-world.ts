import type { Answer, JoinChallenge, Refusal } from '@tradesense/contracts';
import type { Cancel, Environment, Surroundings, Wake, Wire, WireListener } from '@tradesense/client';

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** What a page lives in, held by the test: time, chance, sleep, and sockets that do what they are told. */
export class ClientWorld implements Surroundings, Environment {
  /** Every attempt at a socket, oldest first. */
  readonly wires: WireUnderTest[] = [];
  /** Whether wires open by themselves, as they do where a gateway is well. */
  opens = true;
  /** What `random` gives. */
  chance = 0.5;
  readonly #timers = new Set<Timer>();
  readonly #sleepers = new Set<(wake: Wake) => void>();
  #ms = 0;
  /** How far the wall clock is ahead of the monotonic one: it goes on while the machine sleeps. */
  #sleptMs = 0;

  readonly dial = (url: string, token: string, listener: WireListener): Wire => {
    const wire = new WireUnderTest(url, token, listener);
    this.wires.push(wire);
    if (this.opens) queueMicrotask(() => wire.open());
    return wire;
  };
  get environment(): Environment {
    return this;
  }

  now(): number {
    return Date.UTC(2026, 10, 25, 10) + this.#ms + this.#sleptMs;
  }
  monotonicMs(): number {
    return this.#ms;
  }
  random(): number {
    return this.chance;
  }
  after(ms: number, run: () => void): Cancel {
    const timer = { dueMs: this.#ms + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  onWake(listener: (wake: Wake) => void): Cancel {
    this.#sleepers.add(listener);
    return () => void this.#sleepers.delete(listener);
  }

  get wire(): WireUnderTest {
    const wire = this.wires.at(-1);
    if (wire === undefined) throw new Error('no socket was ever opened');
    return wire;
  }
  get openWires(): readonly WireUnderTest[] {
    return this.wires.filter(({ isClosed }) => !isClosed);
  }
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** What is due is run in its time, and the promises in between are settled. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#ms + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#ms = Math.max(this.#ms, next.dueMs);
      next.run();
      await settled();
    }
    this.#ms = endMs;
  }
  settle(): Promise<void> {
    return this.advance(0);
  }

  /** The machine sleeps: no timer runs, and the monotonic clock stands still. */
  async sleep(ms: number, wake: Wake = 'shown'): Promise<void> {
    this.#sleptMs += ms;
    for (const listener of [...this.#sleepers]) listener(wake);
    await settled();
  }
  async wake(wake: Wake): Promise<void> {
    for (const listener of [...this.#sleepers]) listener(wake);
    await settled();
  }
}

/** Promises of ours settle within a few turns of the microtask queue; none of them waits for anything else. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

export interface Sent {
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly answer: (answer: Answer) => void;
}

export class WireUnderTest implements Wire {
  readonly sent: Sent[] = [];
  isClosed = false;
  isOpen = false;

  constructor(
    readonly url: string,
    readonly token: string,
    private readonly listener: WireListener,
  ) {}

  get joins(): readonly JoinChallenge[] {
    return this.sent
      .filter(({ name }) => name === 'join_challenge')
      .map(({ payload }) => payload as unknown as JoinChallenge);
  }
  get lastJoin(): Sent {
    const join = this.sent.filter(({ name }) => name === 'join_challenge').at(-1);
    if (join === undefined) throw new Error('nobody has joined');
    return join;
  }
  countOf(name: string): number {
    return this.sent.filter((sent) => sent.name === name).length;
  }

  // What the client does.

  send(name: string, payload: object, answer: (answer: Answer) => void): void {
    if (!this.isOpen || this.isClosed) throw new Error(`${name} was sent on a wire that is not open`);
    this.sent.push({ name, payload: payload as Record<string, unknown>, answer });
  }
  close(): void {
    this.isClosed = true;
    this.isOpen = false;
  }

  // What the gateway does.

  open(): void {
    if (this.isClosed || this.isOpen) return;
    this.isOpen = true;
    this.listener.opened();
  }
  fail(refusal?: Refusal): void {
    this.close();
    this.listener.failed(refusal);
  }
  cut(): void {
    this.close();
    this.listener.closed();
  }
  beat(): void {
    this.listener.heard();
  }
  say(name: string, ...args: readonly unknown[]): void {
    this.listener.message(name, args);
  }
}
