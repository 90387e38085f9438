import type { ChallengeId } from '@tradesense/contracts';
import {
  faultOf,
  systemClock,
  systemRandom,
  type Clock,
  type Logger,
  type Metrics,
  type Part,
  type Random,
} from '@tradesense/platform';

import type { Outcome } from '../commit/index.js';
import type { Queries } from '../store/index.js';
import { FIRST, findDue, type Due } from './due.js';

/**
 * Rolls challenges that nobody trades at their midnight.
 *
 * Every write rolls its challenge's due days first, so this only has to find the quiet ones. A roll is decided under the
 * challenge's lock, from its own row: whoever comes second, another scheduler or after a trade, finds the day rolled and
 * changes nothing (pitfall M8). So any number of instances may run, without knowing of each other. Each begins its sweep at
 * another place: they share the work instead of racing for the same rows.
 *
 * REST_MS behind a boundary the busy ones have rolled by their own trades. A sweep passes over everything once, in pieces, at
 * most `perSecond` challenges a second and with at most MAX_UNDER_WAY unanswered; what is locked elsewhere waits by itself, and
 * what failed is met again by the next sweep.
 */
const REST_MS = 2_000;
const LOOK_EVERY_MS = 1_000;
const PIECES_PER_S = 20;
const MAX_UNDER_WAY = 512;
const SAY_EVERY_MS = 60_000;

export interface RollOptions {
  readonly queries: Queries;
  /** Rolls one: decided under its lock. */
  readonly roll: (challengeId: ChallengeId) => Promise<Outcome>;
  readonly perSecond: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

export class RollScheduler implements Part {
  readonly name = 'day roll';
  readonly #stopping = new AbortController();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #counted;
  readonly #underWay = new Map<ChallengeId, Promise<void>>();
  #hasRoom: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #saidAtMs = -Infinity;

  constructor(private readonly options: RollOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#counted = options.metrics.counter({
      name: 'rolls_total',
      help: 'Quiet challenges whose day had ended: accepted, unchanged where somebody was quicker, or the code of a fault.',
      labels: ['outcome'],
    });
  }

  start(): void {
    if (!this.#stopping.signal.aborted) this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.#underWay.values());
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#sweep();
      } catch (err) {
        this.#say({ err }, 'the search for days that have ended failed');
      }
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /** From somewhere among those longest due to the end, then those before it. */
  async #sweep(): Promise<void> {
    const [first] = await this.#find(FIRST, 1);
    if (first === undefined) return;
    await this.#pass({ id: randomId(this.#random), ends_at: first.ends_at });
    await this.#pass(FIRST);
  }

  async #pass(from: Due): Promise<void> {
    const { signal } = this.#stopping;
    const limit = Math.max(1, Math.round(this.options.perSecond / PIECES_PER_S));
    for (let after: Due | undefined = from; after !== undefined && !signal.aborted;) {
      const paced = this.#clock.sleep(1_000 / PIECES_PER_S, signal);
      const piece: readonly Due[] = await this.#find(after, limit);
      for (const { id } of piece) await this.#begin(id);
      after = piece.length === limit ? piece.at(-1) : undefined;
      if (after !== undefined) await paced;
    }
  }

  #find(after: Due, limit: number): Promise<readonly Due[]> {
    return findDue(this.options.queries, after, { restMs: REST_MS, limit });
  }

  /** Waits only where too many are under way. */
  async #begin(challengeId: ChallengeId): Promise<void> {
    if (this.#underWay.has(challengeId)) return; // of an earlier sweep: locked elsewhere
    if (this.#underWay.size >= MAX_UNDER_WAY) await new Promise<void>((resolve) => (this.#hasRoom = resolve));
    const ended = (): void => {
      this.#underWay.delete(challengeId);
      this.#hasRoom?.();
    };
    this.#underWay.set(challengeId, this.#roll(challengeId).finally(ended));
  }

  /** Never rejects. */
  async #roll(challengeId: ChallengeId): Promise<void> {
    try {
      const outcome = await this.options.roll(challengeId);
      this.#counted.inc({ outcome: outcome.is });
    } catch (err) {
      this.#counted.inc({ outcome: faultOf(err).code });
      this.#say({ err, challenge_id: challengeId }, 'a day was not rolled');
    }
  }

  /** While the database is away each attempt finds it so. */
  #say(facts: object, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#saidAtMs < SAY_EVERY_MS) return;
    this.#saidAtMs = nowMs;
    this.options.log.warn(facts, message);
  }
}

/** Anywhere among all ids; of no version, since it is only a place. */
function randomId(random: Random): ChallengeId {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => Math.floor(random.below(16)).toString(16)).join('');
  return `${digits(8)}-${digits(4)}-${digits(4)}-${digits(4)}-${digits(12)}` as ChallengeId;
}
