import type { ChallengeId } from '@tradesense/contracts';
import { faultOf, systemClock, type Clock, type Metrics, type Part as RunningPart } from '@tradesense/platform';

import { Overloaded, type MarkOutcome, type MarksWritten } from '../commit/index.js';
import type { MarkCommand } from '../domain/index.js';
import { byChallenge, foldOf, type Part } from './fold.js';

/**
 * Marks: every one is decided, only the write is folded (design 4).
 *
 * A challenge has at most one write of marks under way, and begins at most one in FOLD_MS. What arrives meanwhile waits and is
 * written together: decided one by one in price-time order under one lock, so that no peak, trough or breach is lost, with one
 * update of the row. A mark that nothing was before goes at once.
 *
 * The core tells equity at most four times a second, so a write may leave equity untold; it says when telling is due. If no
 * mark comes before then, a write without marks tells it: a page is never left with the last equity but one. What a crash
 * forgets here is told with the challenge's next command; the equity itself is committed.
 *
 * Authoritative is the challenge's row. What is here is bounded: MAX_WAITING marks, and a challenge is remembered only until
 * what it has is written and told.
 */
const FOLD_MS = 100;
const MAX_WAITING = 20_000;
/** A mark that has waited so long behind others of its challenge is given up: its caller has a newer price by now. */
const MAX_WAIT_MS = 5_000;
/** After a write that failed, equity may be untold: it is asked for again, this many times. */
const TELL_AGAIN_MS = 1_000;
const TELL_TRIES = 10;

/** What folded marks are handed to; rejects with DatabaseUnavailable or Overloaded. No marks: to tell what is untold. */
export interface MarkSink {
  writeMarks(
    challengeId: ChallengeId,
    marks: readonly MarkCommand[],
    traceparent: string | null,
  ): Promise<MarksWritten>;
}

/** A mark that was not applied and is not stale; `index` is its place in the request. */
export interface RejectedMark {
  readonly index: number;
  readonly problem: Exclude<MarkOutcome, { is: 'applied' | 'stale' }>;
}

export interface MarksAnswer {
  readonly applied: number;
  readonly stale: number;
  readonly rejected: readonly RejectedMark[];
}

/** What is gathered of one challenge, and when its untold equity is due. */
interface Gathering {
  parts: Part[];
  tellAtMs: number | null;
  tellTries: number;
}

export class MarkIntake implements RunningPart {
  readonly name = 'marks';
  readonly #gatherings = new Map<ChallengeId, Gathering>();
  readonly #running = new Set<Promise<void>>();
  readonly #counted;
  readonly #writes;
  #waiting = 0;
  #isStopping = false;

  constructor(
    private readonly sink: MarkSink,
    metrics: Metrics,
    private readonly clock: Clock = systemClock,
  ) {
    this.#counted = metrics.counter({
      name: 'marks_total',
      help: 'Marks by what became of them: applied, stale, the code of a refusal or of a fault.',
      labels: ['outcome'],
    });
    this.#writes = metrics.counter({
      name: 'mark_writes_total',
      help: 'Writes of folded marks; those without a mark told equity that was due.',
      labels: ['what'],
    });
    metrics.gaugeOf('marks_waiting', 'Marks that wait for their write.', () => this.#waiting);
  }

  start(): void {
    // Runs on demand.
  }

  /** No more marks; what waits is written and told. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
  }

  /**
   * Resolves after the commit of all of them. One challenge's trouble does not touch the others' marks.
   * @throws Overloaded when too many wait already; DatabaseUnavailable or Overloaded when that is what every mark met
   */
  async post(commands: readonly MarkCommand[], traceparent: string | null): Promise<MarksAnswer> {
    if (this.#isStopping || this.#waiting + commands.length > MAX_WAITING) throw new Overloaded();
    const outcomes: MarkOutcome[] = [];
    await Promise.all(
      [...byChallenge(commands)].map(async ([challengeId, { marks, indexes }]) => {
        const own = await this.#gather(challengeId, marks, traceparent);
        for (const [place, index] of indexes.entries()) outcomes[index] = own[place]!;
      }),
    );
    for (const outcome of outcomes) this.#counted.inc({ outcome: wordOf(outcome) });
    return answerOf(outcomes);
  }

  #gather(
    challengeId: ChallengeId,
    marks: readonly MarkCommand[],
    traceparent: string | null,
  ): Promise<readonly MarkOutcome[]> {
    this.#waiting += marks.length;
    return new Promise((resolve) => {
      const settle = (outcomes: readonly MarkOutcome[]): void => {
        this.#waiting -= marks.length;
        resolve(outcomes);
      };
      const part: Part = { marks, traceparent, arrivedMs: this.clock.monotonicMs(), settle };
      const gathering = this.#gatherings.get(challengeId);
      if (gathering === undefined) this.#begin(challengeId, part);
      else gathering.parts.push(part);
    });
  }

  #begin(challengeId: ChallengeId, part: Part): void {
    const gathering: Gathering = { parts: [part], tellAtMs: null, tellTries: 0 };
    this.#gatherings.set(challengeId, gathering);
    const run = this.#run(challengeId, gathering).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** From a challenge's first mark until nothing of it is left to write or to tell. */
  async #run(challengeId: ChallengeId, gathering: Gathering): Promise<void> {
    do {
      const beganMs = this.clock.monotonicMs();
      await this.#write(challengeId, gathering);
      await this.clock.sleep(beganMs + FOLD_MS - this.clock.monotonicMs());
      await this.#rest(gathering);
    } while (gathering.parts.length > 0 || gathering.tellAtMs !== null);
    this.#gatherings.delete(challengeId);
  }

  /** Until there are marks, or telling is due; marks that come meanwhile wait no longer than for any write. */
  async #rest(gathering: Gathering): Promise<void> {
    for (;;) {
      const leftMs = gathering.tellAtMs === null ? 0 : gathering.tellAtMs - this.clock.monotonicMs();
      if (gathering.parts.length > 0 || leftMs <= 0) return;
      await this.clock.sleep(Math.min(leftMs, FOLD_MS));
    }
  }

  /** Never rejects: each mark gets its outcome, whatever it is. */
  async #write(challengeId: ChallengeId, gathering: Gathering): Promise<void> {
    const parts = this.#fresh(gathering.parts);
    gathering.parts = [];
    const { marks, traceparent, settle } = foldOf(parts);
    this.#writes.inc({ what: marks.length > 0 ? 'marks' : 'telling' });
    try {
      const { outcomes, tellInMs } = await this.sink.writeMarks(challengeId, marks, traceparent);
      gathering.tellAtMs = tellInMs === null ? null : this.clock.monotonicMs() + tellInMs;
      gathering.tellTries = 0;
      settle(outcomes);
    } catch (fault) {
      gathering.tellTries += 1;
      gathering.tellAtMs = gathering.tellTries < TELL_TRIES ? this.clock.monotonicMs() + TELL_AGAIN_MS : null;
      settle(marks.map(() => ({ is: 'failed', fault })));
    }
  }

  #fresh(parts: readonly Part[]): readonly Part[] {
    const sinceMs = this.clock.monotonicMs() - MAX_WAIT_MS;
    for (const { marks, arrivedMs, settle } of parts)
      if (arrivedMs < sinceMs) settle(marks.map(() => ({ is: 'failed', fault: new Overloaded() })));
    return parts.filter(({ arrivedMs }) => arrivedMs >= sinceMs);
  }
}

const wordOf = (outcome: MarkOutcome): string => {
  if (outcome.is === 'refused') return outcome.refusal.code;
  return outcome.is === 'failed' ? faultOf(outcome.fault).code : outcome.is;
};

function answerOf(outcomes: readonly MarkOutcome[]): MarksAnswer {
  const [first] = outcomes;
  if (first?.is === 'failed' && outcomes.every(({ is }) => is === 'failed')) throw first.fault;
  const count = (what: MarkOutcome['is']): number => outcomes.filter(({ is }) => is === what).length;
  const rejected = outcomes.flatMap((problem, index): RejectedMark[] =>
    problem.is === 'applied' || problem.is === 'stale' ? [] : [{ index, problem }],
  );
  return { applied: count('applied'), stale: count('stale'), rejected };
}
