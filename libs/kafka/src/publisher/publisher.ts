import type { TopicSpec } from '@tradesense/contracts';
import { Fault, systemClock, type Clock, type Logger } from '@tradesense/platform';
import { inTime } from '../bounds.js';
import { Outgoings, type OutgoingPartition } from '../outgoing.js';
import type { Ends, KafkaConnection, Publisher, TopicRecords } from '../port.js';
import { Session } from './session.js';

/**
 * Publishing without a producer id. What can go wrong with one (a send that was rejected takes its numbers back although the
 * broker may have stored it, and the next batch of the same size vanishes as a duplicate, pitfall K1; two sends exchange
 * their numbers, K2) can't happen without numbers. What they are good for, an attempt repeated unseen, we do not do:
 *
 *   P1  one send at a time; within it one request per leading broker, all at once, no partition in two of them. So there is
 *       never more than one batch on its way to a partition, and batches are stored in order of their sends.
 *   P2  nothing is repeated inside a send. Whatever is not a clear answer (an error code, silence, a cut) makes the send
 *       `publish-unclear`; its caller sends all of it again, and readers drop what they have.
 *   P3  resolved means that each partition sent to is among those answered, without error and with an offset (pitfall K3).
 *   P4  an unclear send takes its connections with it, at once: nothing of it leaves later (pitfall K5). The next send
 *       begins a new session, which asks first who leads what. What had left, a broker that was held up may still store
 *       after that, even behind newer records: an older run once more. First occurrences keep their order; where the last
 *       record of a key counts, somebody has to look after it (the relay's guard of states).
 *   P5  a refusal is told when every broker has answered. So nothing is under way, and the session goes on.
 *
 * Deliberately not done: no request to a new leader within a send (the next send finds it), no second request under way (the
 * relay's rate does not need it), no packing (batches are small, topics uncompressed).
 */
export interface PublisherOptions {
  /** All topics that will be sent to: a key's partition comes from the count configured here, never from metadata (pitfall K10). */
  readonly topics: readonly Pick<TopicSpec, 'name' | 'partitions'>[];
  /** How long a send may take, connecting included, before its outcome is called unknown. */
  readonly deadlineMs?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
}

const DEADLINE_MS = 10_000;
const MAX_THROTTLE_MS = 30_000;

export class KafkaPublisher implements Publisher {
  readonly #outgoings: Outgoings;
  readonly #deadlineMs: number;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  #session: Session | undefined;
  #isSending = false;
  /** Monotonic. Until then a broker does not read from us, by a quota. */
  #throttledUntilMs = 0;

  constructor(
    private readonly connection: KafkaConnection,
    private readonly options: PublisherOptions,
  ) {
    this.#outgoings = new Outgoings(new Map(options.topics.map(({ name, partitions }) => [name, partitions])));
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#clock = options.clock ?? systemClock;
  }

  async send(batches: readonly TopicRecords[], signal?: AbortSignal): Promise<Ends> {
    if (this.#closed.signal.aborted) throw closed();
    if (this.#isSending) throw new Fault('publish-misuse', 'stop', 'a send is outstanding: one at a time');
    const outgoing = this.#outgoings.of(batches);
    if (outgoing.length === 0) return new Map();
    this.#isSending = true;
    try {
      await this.#throttled(signal);
      if (this.#closed.signal.aborted) throw closed();
      if (signal?.aborted === true) throw unclear('given up before it was sent');
      return await this.#publish(outgoing, signal);
    } finally {
      this.#isSending = false;
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#cut();
  }

  async #publish(outgoing: readonly OutgoingPartition[], signal: AbortSignal | undefined): Promise<Ends> {
    const session = (this.#session ??= this.#newSession());
    const patience = { ms: this.#deadlineMs, clock: this.#clock, signal };
    try {
      const { ends, throttleMs } = await inTime(session.publish(outgoing), patience, () =>
        unclear(signal?.aborted === true ? 'given up by the caller' : `no outcome within ${this.#deadlineMs} ms`),
      );
      this.#throttledUntilMs = this.#clock.monotonicMs() + Math.min(throttleMs, MAX_THROTTLE_MS);
      return ends;
    } catch (error) {
      const fault = faultFor(error);
      if (fault.remedy === 'park') throw fault; // P5
      this.#cut();
      this.options.log?.debug({ why: fault.message }, 'connections to Kafka cut');
      throw fault;
    }
  }

  /** A quota is no outage: the time it takes is waited beside the deadline, or a strict one would let nothing through. */
  async #throttled(signal: AbortSignal | undefined): Promise<void> {
    const ms = this.#throttledUntilMs - this.#clock.monotonicMs();
    if (ms <= 0) return;
    const waiting = this.#clock.sleep(ms, this.#closed.signal);
    await inTime(waiting, { ms: 2 * ms, clock: this.#clock, signal }, () => unclear('given up before it was sent'));
  }

  #newSession(): Session {
    return new Session(this.connection, {
      topics: this.options.topics.map(({ name, partitions }) => ({ topic: name, partitions })),
      deadlineMs: this.#deadlineMs,
      clock: this.#clock,
    });
  }

  #cut(): void {
    this.#session?.cut();
    this.#session = undefined;
  }
}

const closed = (): Fault => new Fault('publisher-closed', 'stop', 'the publisher is closed');
const unclear = (what: string, cause?: unknown): Fault =>
  new Fault('publish-unclear', 'wait', what, cause === undefined ? {} : { cause });

/** Total: what is not known to blame the records or the configuration is waited out. */
function faultFor(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return unclear(error instanceof Error ? error.message : String(error), error);
}
