import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';

import type { ChallengeId, EventId } from '@tradesense/contracts';
import { LATENCY_BUCKETS, faultOf, type Clock, type Counter, type Histogram, type Metrics } from '@tradesense/platform';
import { v7 } from 'uuid';

import type { Command, MarkCommand, OpenCommand, OperatorCommand, TradeCommand } from '../domain/index.js';
import type { Database } from '../store/index.js';
import { isUndecided, type JobCommand, type Settled } from './job.js';
import { Lanes } from './lanes.js';
import { openChallenge } from './open-challenge.js';
import { refused, type Outcome } from './outcome.js';
import type { Wake } from './wake.js';

const ID_BYTES = 16;
/** Drawn in bulk: sixteen at a time they would be a fifteenth of a trade (decision 009). */
const random = Buffer.alloc(256 * ID_BYTES);
let unused = 0;
function nextEventId(): EventId {
  if (unused === 0) {
    randomFillSync(random);
    unused = random.length;
  }
  unused -= ID_BYTES;
  return v7({ random: random.subarray(unused, unused + ID_BYTES) }) as EventId;
}
/** Of one challenge in a list: what one transaction takes. */
const TOGETHER = 64;

export interface WriterOptions {
  readonly database: Database;
  readonly wake: Wake;
  readonly metrics: Metrics;
  readonly clock?: Clock;
}

export type MarkOutcome =
  | { readonly is: 'applied' }
  | { readonly is: 'stale' }
  | { readonly is: 'refused'; readonly refusal: (Outcome & { is: 'refused' })['refusal'] }
  | { readonly is: 'failed'; readonly fault: unknown };

export interface MarksWritten {
  /** One for each mark, in their order. */
  readonly outcomes: readonly MarkOutcome[];
  /** When equity that was left untold is to be told; null: nothing is. */
  readonly tellInMs: number | null;
}

/** Everything that changes a challenge goes through here: counted, timed, and followed by a wake. */
export class Writer {
  readonly #lanes: Lanes;
  readonly #outcomes: Counter<'command' | 'outcome'>;
  readonly #seconds: Histogram<'command'>;

  constructor(private readonly options: WriterOptions) {
    const { wake, metrics } = options;
    this.#lanes = new Lanes({ ...options, nextEventId, onWritten: () => wake.ring() });
    this.#outcomes = metrics.counter({
      name: 'commands_total',
      help: 'Commands by what became of them: accepted, replayed, unchanged, the code of a refusal or of a fault.',
      labels: ['command', 'outcome'],
    });
    this.#seconds = metrics.histogram({
      name: 'command_seconds',
      help: 'From a parsed command to its outcome, commit included.',
      labels: ['command'],
      buckets: LATENCY_BUCKETS,
    });
  }

  /** @throws DatabaseUnavailable, Overloaded */
  async open(command: OpenCommand, traceparent: string | null): Promise<Outcome> {
    const { database, wake } = this.options;
    const work = openChallenge(database, command, { nextEventId, traceparent }).finally(() => wake.ring());
    const [settled] = await this.#counted(command.is, async () => [await asSettled(work)]);
    return outcomeOf(settled!);
  }

  /** @throws DatabaseUnavailable, Overloaded */
  trade(command: TradeCommand, traceparent: string | null): Promise<Outcome> {
    return this.#one(command, traceparent);
  }

  /** An operator's, written down in the audit, also when it is refused. @throws DatabaseUnavailable, Overloaded */
  act(command: OperatorCommand, traceparent: string | null): Promise<Outcome> {
    return this.#one(command, traceparent);
  }

  /**
   * Each on its own; those of one challenge in the order given. After one that is to be posted again the later ones of its
   * challenge are not tried: they would overtake it.
   * @returns one entry for each command, in their order
   */
  async trades(commands: readonly TradeCommand[], traceparent: string | null): Promise<readonly Settled[]> {
    const settled: Settled[] = [];
    const places = new Map<ChallengeId, number[]>();
    for (const [place, { challengeId }] of commands.entries())
      places.set(challengeId, [...(places.get(challengeId) ?? []), place]);
    await Promise.all(
      [...places].map(async ([challengeId, own]) => {
        let isBroken = false;
        for (let from = 0; from < own.length; from += TOGETHER) {
          const some = own.slice(from, from + TOGETHER);
          const posted = some.map((place) => commands[place]!);
          const results = isBroken
            ? []
            : await this.#counted('trade', () => this.#submit(challengeId, posted, { isPressing: true, traceparent }));
          for (const [index, place] of some.entries()) {
            const result = isBroken ? EARLIER_UNKNOWN : results[index]!;
            settled[place] = result;
            isBroken ||= isUndecided(result);
          }
        }
      }),
    );
    return settled;
  }

  /** Decides marks of one challenge in the order given and writes once; no marks: tells equity that was left untold. */
  async writeMarks(
    challengeId: ChallengeId,
    marks: readonly MarkCommand[],
    traceparent: string | null,
  ): Promise<MarksWritten> {
    const commands: readonly Command[] = marks.length > 0 ? marks : [{ is: 'roll', challengeId }];
    const settled = await this.#counted(commands[0]!.is, () =>
      this.#submit(challengeId, commands, { isPressing: false, traceparent }),
    );
    const last = settled.findLast((one) => one.is === 'accepted' || one.is === 'unchanged');
    return {
      outcomes: marks.map((_, place) => markOutcomeOf(settled[place]!)),
      tellInMs: last?.tellInMs ?? null,
    };
  }

  /** Rolls the days that have ended: nobody trades. @throws DatabaseUnavailable, Overloaded */
  roll(challengeId: ChallengeId): Promise<Outcome> {
    return this.#one({ is: 'roll', challengeId }, null, { isPressing: false });
  }

  /** Lets a challenge take the stream's epoch. @throws DatabaseUnavailable, Overloaded */
  takeEpoch(challengeId: ChallengeId): Promise<Outcome> {
    return this.#one({ is: 'epoch', challengeId }, null, { isPressing: false });
  }

  async #one(command: JobCommand, traceparent: string | null, { isPressing = true } = {}): Promise<Outcome> {
    const [settled] = await this.#counted(command.is, () =>
      this.#submit(command.challengeId, [command], { isPressing, traceparent }),
    );
    return outcomeOf(settled!);
  }

  async #submit(...args: Parameters<Lanes['submit']>): Promise<readonly Settled[]> {
    try {
      return await this.#lanes.submit(...args);
    } catch (fault) {
      return args[1].map(() => ({ is: 'failed', fault }));
    }
  }

  async #counted(command: string, work: () => Promise<readonly Settled[]>): Promise<readonly Settled[]> {
    const startedMs = performance.now();
    const settled = await work();
    this.#seconds.observe({ command }, (performance.now() - startedMs) / 1000);
    for (const one of settled) this.#outcomes.inc({ command, outcome: wordOf(one) });
    return settled;
  }
}

const EARLIER_UNKNOWN: Settled = refused({ code: 'earlier-unknown' });

const asSettled = (work: Promise<Outcome>): Promise<Settled> =>
  work.catch((fault: unknown): Settled => ({ is: 'failed', fault }));

function outcomeOf(settled: Settled): Outcome {
  if (settled.is === 'failed') throw settled.fault;
  return settled;
}

function markOutcomeOf(settled: Settled): MarkOutcome {
  if (settled.is === 'unchanged') return { is: settled.why === 'stale' ? 'stale' : 'applied' };
  return settled.is === 'accepted' ? { is: 'applied' } : settled;
}

function wordOf(settled: Settled): string {
  if (settled.is === 'failed') return faultOf(settled.fault).code;
  if (settled.is === 'refused') return settled.refusal.code;
  if (settled.is === 'accepted') return settled.replayed ? 'replayed' : 'accepted';
  return settled.is;
}
