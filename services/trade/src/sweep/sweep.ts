import type { ChallengeId } from '@tradesense/contracts';
import {
  faultOf,
  systemClock,
  systemRandom,
  type Clock,
  type Counter,
  type Logger,
  type Part,
  type Random,
} from '@tradesense/platform';

import type { Outcome } from '../commit/index.js';

/**
 * Goes over challenges that nobody touches, each with one command.
 *
 * Every command is decided under its challenge's lock, from its own row: whoever comes second, another instance or after a trade,
 * finds it done and changes nothing (pitfall M8). So any number of instances may run, without knowing of each other. Each
 * begins at another place: they share the work instead of racing for the same rows.
 *
 * It looks every LOOK_EVERY_MS and passes over everything once, in pieces, at most `perSecond` challenges a second and with at
 * most MAX_UNDER_WAY unanswered; what is locked elsewhere waits by itself, and what failed is met again by the next look.
 */
const LOOK_EVERY_MS = 1_000;
/** Small ones: trades wait behind what is handed over at once. */
const PIECES_PER_S = 50;
const MAX_UNDER_WAY = 512;
const SAY_EVERY_MS = 60_000;

/** Before every challenge. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000' as ChallengeId;

/** What there is to do at the moment. */
export interface Search<Place> {
  /** Challenges behind a place, in order. */
  find(after: Place, limit: number): Promise<readonly Place[]>;
  /** When it found nothing. */
  ended?(): Promise<void>;
}

/** What its users leave to whoever starts them. */
export interface SweepSettings {
  readonly perSecond: number;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface SweepOptions<Place> extends SweepSettings {
  readonly name: string;
  /** Undefined: nothing is to be done. */
  readonly search: () => Promise<Search<Place> | undefined>;
  /** Before every place. */
  readonly first: Place;
  /** The command: decided under the challenge's lock. */
  readonly take: (challengeId: ChallengeId) => Promise<Outcome>;
  readonly counted: Counter<'outcome'>;
}

export class Sweep<Place extends { readonly id: ChallengeId }> implements Part {
  readonly name: string;
  readonly #stopping = new AbortController();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #underWay = new Map<ChallengeId, Promise<void>>();
  #hasRoom: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #saidAtMs = -Infinity;

  constructor(private readonly options: SweepOptions<Place>) {
    this.name = options.name;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
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
        this.#say({ err }, 'a search for quiet challenges failed');
      }
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /** From somewhere among the first of them to the end, then those before it. */
  async #sweep(): Promise<void> {
    const { search, first } = this.options;
    const found = await search();
    if (found === undefined) return;
    const [next] = await found.find(first, 1);
    if (next === undefined) return found.ended?.();
    await this.#pass(found, { ...next, id: randomId(this.#random) });
    await this.#pass(found, first);
  }

  async #pass(search: Search<Place>, from: Place): Promise<void> {
    const { signal } = this.#stopping;
    const { perSecond } = this.options;
    const limit = Math.ceil(perSecond / PIECES_PER_S);
    for (let after: Place | undefined = from; after !== undefined && !signal.aborted;) {
      const paced = this.#clock.sleep((1_000 * limit) / perSecond, signal);
      const piece: readonly Place[] = await search.find(after, limit);
      for (const { id } of piece) await this.#begin(id);
      after = piece.length === limit ? piece.at(-1) : undefined;
      if (after !== undefined) await paced;
    }
  }

  /** Waits only where too many are under way. */
  async #begin(challengeId: ChallengeId): Promise<void> {
    if (this.#underWay.has(challengeId)) return; // of an earlier look: locked elsewhere
    if (this.#underWay.size >= MAX_UNDER_WAY) await new Promise<void>((resolve) => (this.#hasRoom = resolve));
    const ended = (): void => {
      this.#underWay.delete(challengeId);
      this.#hasRoom?.();
    };
    this.#underWay.set(challengeId, this.#take(challengeId).finally(ended));
  }

  /** Never rejects. */
  async #take(challengeId: ChallengeId): Promise<void> {
    const { take, counted } = this.options;
    try {
      const outcome = await take(challengeId);
      counted.inc({ outcome: outcome.is });
    } catch (err) {
      counted.inc({ outcome: faultOf(err).code });
      this.#say({ err, challenge_id: challengeId }, 'a quiet challenge was not reached');
    }
  }

  /** While the database is away each attempt finds it so. */
  #say(facts: object, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#saidAtMs < SAY_EVERY_MS) return;
    this.#saidAtMs = nowMs;
    this.options.log.warn({ sweep: this.name, ...facts }, message);
  }
}

/** Anywhere among all ids; of no version, since it is only a place. */
function randomId(random: Random): ChallengeId {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => Math.floor(random.below(16)).toString(16)).join('');
  return `${digits(8)}-${digits(4)}-${digits(4)}-${digits(4)}-${digits(12)}` as ChallengeId;
}
