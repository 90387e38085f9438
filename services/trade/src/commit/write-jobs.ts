import type { ChallengeId, EventId, Instant } from '@tradesense/contracts';
import { append, lockAggregates, type OutboxRow } from '@tradesense/outbox';

import {
  decide,
  programOf,
  stateOf,
  tellingDueAt,
  type Challenge,
  type Command,
  type Decision,
  type Moment,
  type Program,
  type Told,
  type TradeCommand,
} from '../domain/index.js';
import {
  LOCK_CHALLENGES,
  challengeOf,
  findExisting,
  findTrades,
  insertDecisions,
  insertLateTrades,
  insertTrades,
  readStream,
  tradeKey,
  updateChallenges,
  type ChallengeEntity,
  type FirstAnswer,
  type LateTrade,
  type NewTrade,
  type OpenTransaction,
} from '../store/index.js';
import type { Job, Settled } from './job.js';
import { meaningOf } from './meaning.js';
import { eventRow, stateRow } from './outbox-rows.js';
import { refused, repeat, type Outcome } from './outcome.js';

/** What a transaction will write, gathered while it decides in memory (pitfall P13: no savepoints). */
interface Writes {
  readonly trades: NewTrade[];
  readonly late: LateTrade[];
  readonly decisions: { readonly challengeId: ChallengeId; readonly record: Decision }[];
  readonly rows: OutboxRow[];
}

/**
 * The one transaction of many commands: lock their challenges, look their keys up, decide, write. Whoever holds a challenge's
 * lock is alone with it, so of twenty equal posts one decides and nineteen find its answer (pitfall P10), and sequences ascend
 * in the order of commits (P6). Statements are sent without waiting in between: begin, lock and look-ups together, then all
 * writes; the caller commits.
 */
export async function writeJobs(
  transaction: OpenTransaction,
  jobs: readonly Job[],
  nextEventId: () => EventId,
): Promise<ReadonlyMap<Job, readonly Settled[] | 'locked'>> {
  // One order for all who lock several (pitfall P8).
  const ids = [...new Set(jobs.map(({ challengeId }) => challengeId))].toSorted();
  const [, { locked, rows }, { now: at, epoch }, firsts] = await Promise.all([
    transaction.begun,
    lockAggregates<ChallengeEntity>(transaction, LOCK_CHALLENGES, [ids]),
    readStream(transaction),
    findTrades(
      transaction,
      jobs.flatMap(({ commands }) => commands.filter(isTrade)),
    ),
  ]);
  const drafts = new Map(rows.map((row) => [row.id, new Draft(challengeOf(row))]));
  const missing = ids.filter((id) => !drafts.has(id));
  const existing = missing.length === 0 ? new Set<string>() : await findExisting(transaction, missing);

  const writes: Writes = { trades: [], late: [], decisions: [], rows: [] };
  const settled = new Map<Job, readonly Settled[] | 'locked'>();
  for (const job of jobs) {
    const draft = drafts.get(job.challengeId);
    if (draft !== undefined)
      settled.set(
        job,
        job.commands.map((command) =>
          draft.take(command, { moment: { at, epoch, nextEventId }, firsts, writes, traceparent: job.traceparent }),
        ),
      );
    else if (existing.has(job.challengeId)) settled.set(job, 'locked');
    else
      settled.set(
        job,
        job.commands.map(() => refused({ code: 'not-found' })),
      );
  }

  const changed = [...drafts.values()].filter((draft) => draft.isChanged);
  for (const draft of changed) writes.rows.push(...draft.outboxRows());
  await Promise.all([
    insertTrades(transaction, writes.trades),
    insertLateTrades(transaction, writes.late),
    updateChallenges(
      transaction,
      changed.map(({ challenge }) => challenge),
    ),
    insertDecisions(transaction, writes.decisions),
    writes.rows.length === 0 ? undefined : append(transaction, locked, writes.rows),
  ]);
  return settled;
}

const isTrade = (command: Command): command is TradeCommand => command.is === 'trade';

interface Taking {
  readonly moment: Moment;
  /** First answers by key, those of this transaction too. */
  readonly firsts: Map<string, FirstAnswer>;
  readonly writes: Writes;
  readonly traceparent: string | null;
}

/** A locked challenge, as the commands of this transaction leave it one after another. */
class Draft {
  readonly #program: Program;
  readonly #events: OutboxRow[] = [];
  #stateText: string | undefined;
  #traceparent: string | null = null;
  isChanged = false;

  constructor(public challenge: Challenge) {
    this.#program = programOf(challenge.program);
  }

  take(command: Command, taking: Taking): Outcome {
    return isTrade(command) ? this.#trade(command, taking) : this.#other(command, taking);
  }

  /** Its events, then its state: nothing where it told nothing. */
  outboxRows(): readonly OutboxRow[] {
    if (this.#events.length === 0) return [];
    return [...this.#events, stateRow(this.challenge, this.#state(), this.#traceparent)];
  }

  #trade(command: TradeCommand, taking: Taking): Outcome {
    const { firsts, writes } = taking;
    const meaning = meaningOf(command);
    const first = firsts.get(tradeKey(command.challengeId, command.tradeId));
    if (first !== undefined) return repeat(first, meaning, 'trade-conflict');
    if (command.corrects !== null && !firsts.has(tradeKey(command.challengeId, command.corrects)))
      return refused({ code: 'rule-violation', path: '/corrects', message: 'names no trade of this challenge' });

    const verdict = decide(this.#program, this.challenge, command, taking.moment);
    if (verdict.is === 'refused') {
      if (verdict.meanwhile !== undefined) this.#accept(verdict.meanwhile, taking);
      if (verdict.refusal.code === 'challenge-closed') writes.late.push({ command, meaning });
      return refused(verdict.refusal);
    }
    if (verdict.is === 'unchanged') throw new Error('a trade that changes nothing');
    this.#accept(verdict, taking);
    const answer = answerOf(command, verdict, this.#state());
    const sequence = verdict.events.find(({ type }) => type === 'EQUITY_UPDATED')?.body.sequence ?? 0;
    writes.trades.push({ command, after: verdict.challenge, sequence, first: { meaning, answer } });
    firsts.set(tradeKey(command.challengeId, command.tradeId), { meaning, answer });
    return { is: 'accepted', answer, replayed: false };
  }

  #other(command: Command, taking: Taking): Outcome {
    const verdict = decide(this.#program, this.challenge, command, taking.moment);
    if (verdict.is === 'refused') {
      if (verdict.meanwhile !== undefined) this.#accept(verdict.meanwhile, taking);
      return refused(verdict.refusal);
    }
    if (verdict.is === 'accepted') this.#accept(verdict, taking);
    const tellInMs = this.#tellInMs(taking.moment.at);
    return verdict.is === 'unchanged'
      ? { ...verdict, tellInMs }
      : { is: 'accepted', answer: '', replayed: false, tellInMs };
  }

  #tellInMs(at: Instant): number | null {
    const dueAt = tellingDueAt(this.challenge);
    return dueAt === null ? null : Math.max(1, Math.ceil(Number(dueAt - at) / 1_000));
  }

  #accept({ challenge, events, decisions }: Told, { writes, traceparent }: Taking): void {
    this.challenge = challenge;
    this.isChanged = true;
    this.#stateText = undefined;
    this.#traceparent = traceparent;
    for (const event of events) this.#events.push(eventRow(challenge.challengeId, event, traceparent));
    for (const record of decisions) writes.decisions.push({ challengeId: challenge.challengeId, record });
  }

  /** Serialised once for each state that is answered or written. */
  #state(): string {
    this.#stateText ??= JSON.stringify(stateOf(this.#program, this.challenge));
    return this.#stateText;
  }
}

function answerOf({ tradeId }: TradeCommand, { events }: Told, stateText: string): string {
  const named = events.map(({ type, body: { event_id, sequence } }) => ({ event_id, type, sequence }));
  return `{"trade_id":${JSON.stringify(tradeId)},"challenge":${stateText},"events":${JSON.stringify(named)}}`;
}
