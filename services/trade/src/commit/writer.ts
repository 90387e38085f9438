import { performance } from 'node:perf_hooks';

import type { EventId } from '@tradesense/contracts';
import { LATENCY_BUCKETS, faultOf, type Counter, type Histogram, type Metrics } from '@tradesense/platform';
import { v7 } from 'uuid';

import type { OpenCommand, TradeCommand } from '../domain/index.js';
import type { Database } from '../store/index.js';
import { openChallenge } from './open-challenge.js';
import type { Outcome } from './outcome.js';
import { postTrade } from './post-trade.js';
import type { Wake } from './wake.js';

const nextEventId = (): EventId => v7() as EventId;

/** Everything that changes a challenge goes through here: counted, timed, and followed by a wake. */
export class Writer {
  readonly #outcomes: Counter<'command' | 'outcome'>;
  readonly #seconds: Histogram<'command'>;

  constructor(
    private readonly database: Database,
    private readonly wake: Wake,
    metrics: Metrics,
  ) {
    this.#outcomes = metrics.counter({
      name: 'commands_total',
      help: 'Commands by what became of them: accepted, replayed, the code of a refusal or of a fault.',
      labels: ['command', 'outcome'],
    });
    this.#seconds = metrics.histogram({
      name: 'command_seconds',
      help: 'From a parsed command to its outcome, commit included.',
      labels: ['command'],
      buckets: LATENCY_BUCKETS,
    });
  }

  open(command: OpenCommand, traceparent: string | null): Promise<Outcome> {
    return this.#counted(command.is, () => openChallenge(this.database, command, { nextEventId, traceparent }));
  }

  trade(command: TradeCommand, traceparent: string | null): Promise<Outcome> {
    return this.#counted(command.is, () => postTrade(this.database, command, { nextEventId, traceparent }));
  }

  async #counted(command: string, work: () => Promise<Outcome>): Promise<Outcome> {
    const startedMs = performance.now();
    try {
      const outcome = await work();
      if (outcome.is === 'accepted' && !outcome.replayed) this.wake.ring();
      this.#outcomes.inc({ command, outcome: wordOf(outcome) });
      return outcome;
    } catch (error) {
      this.wake.ring(); // an outcome that was not heard may be a commit
      this.#outcomes.inc({ command, outcome: faultOf(error).code });
      throw error;
    } finally {
      this.#seconds.observe({ command }, (performance.now() - startedMs) / 1000);
    }
  }
}

function wordOf(outcome: Outcome): string {
  if (outcome.is === 'refused') return outcome.refusal.code;
  return outcome.replayed ? 'replayed' : 'accepted';
}
