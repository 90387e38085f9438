import type { ChallengeId, EventId, Instant } from '@tradesense/contracts';
import { append, lockAggregates, type OutboxRow } from '@tradesense/outbox';

import {
  decide,
  programOf,
  reactivated,
  stateOf,
  tellingDueAt,
  type Challenge,
  type Command,
  type Decision,
  type Moment,
  type OperatorCommand,
  type Program,
  type ReactivateCommand,
  type Told,
  type TradeCommand,
} from '../domain/index.js';
import {
  INSERT_CHALLENGE,
  LOCK_CHALLENGES,
  actKey,
  challengeOf,
  findActs,
  findExisting,
  findTrades,
  insertActs,
  insertAudit,
  insertDecisions,
  insertLateTrades,
  insertTrades,
  insertValues,
  keepEpoch,
  readStream,
  tradeKey,
  updateChallenges,
  type AuditLine,
  type ChallengeEntity,
  type FirstAnswer,
  type LateTrade,
  type NewAct,
  type NewTrade,
  type OpenTransaction,
} from '../store/index.js';
import type { Job, JobCommand, Settled } from './job.js';
import { meaningOf, namedBy } from './meaning.js';
import { eventRow, stateRow } from './outbox-rows.js';
import { refused, repeat, type Outcome } from './outcome.js';

/** What a transaction will write, gathered while it decides in memory (pitfall P13: no savepoints). */
interface Writes {
  readonly trades: NewTrade[];
  readonly late: LateTrade[];
  readonly acts: NewAct[];
  readonly audit: AuditLine[];
  /** Challenges that take the place of others. */
  readonly opened: { readonly challenge: Challenge; readonly row: OutboxRow }[];
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
  const commands = jobs.flatMap((job) => job.commands);
  const [, , { locked, rows }, { now: at, epoch }, trades, acts] = await Promise.all([
    transaction.begun,
    commands.some(({ is }) => is === 'reactivate') ? keepEpoch(transaction) : undefined,
    lockAggregates<ChallengeEntity>(transaction, LOCK_CHALLENGES, [ids]),
    readStream(transaction),
    findTrades(transaction, commands.filter(isTrade)),
    findActs(transaction, commands.filter(isAct)),
  ]);
  const firsts: Firsts = { trades, acts };
  const drafts = new Map(rows.map((row) => [row.id, new Draft(challengeOf(row))]));
  const missing = ids.filter((id) => !drafts.has(id));
  const existing = missing.length === 0 ? new Set<string>() : await findExisting(transaction, missing);

  const writes: Writes = { trades: [], late: [], acts: [], audit: [], opened: [], decisions: [], rows: [] };
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
    else {
      const outcome = refused({ code: 'not-found' });
      settled.set(
        job,
        job.commands.map(() => outcome),
      );
      writes.audit.push(...job.commands.filter(isAct).map((act) => auditLine(act, outcome)));
    }
  }

  const changed = [...drafts.values()].filter((draft) => draft.isChanged);
  for (const draft of changed) writes.rows.push(...draft.outboxRows());
  await Promise.all([
    insertTrades(transaction, writes.trades),
    insertLateTrades(transaction, writes.late),
    insertActs(transaction, writes.acts),
    insertAudit(transaction, writes.audit),
    ...writes.opened.map((one) => insertOpened(transaction, one)),
    updateChallenges(
      transaction,
      changed.map(({ challenge }) => challenge),
    ),
    insertDecisions(transaction, writes.decisions),
    writes.rows.length === 0 ? undefined : append(transaction, locked, writes.rows),
  ]);
  return settled;
}

const isTrade = (command: JobCommand): command is TradeCommand => command.is === 'trade';
const isAct = (command: JobCommand): command is OperatorCommand => 'actId' in command;

/** First answers by key, those of this transaction too. */
interface Firsts {
  readonly trades: Map<string, FirstAnswer>;
  readonly acts: Map<string, FirstAnswer>;
}

interface Taking {
  readonly moment: Moment;
  readonly firsts: Firsts;
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

  take(command: JobCommand, taking: Taking): Outcome {
    if (isTrade(command)) return this.#trade(command, taking);
    return isAct(command) ? this.#act(command, taking) : this.#other(command, taking);
  }

  /** Its events, then its state: nothing where it told nothing. */
  outboxRows(): readonly OutboxRow[] {
    if (this.#events.length === 0) return [];
    return [...this.#events, stateRow(this.challenge, this.#state(), this.#traceparent)];
  }

  #trade(command: TradeCommand, taking: Taking): Outcome {
    const {
      firsts: { trades: firsts },
      writes,
    } = taking;
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
    const answer = answerOf({ trade_id: command.tradeId }, verdict, this.#state());
    const sequence = verdict.events.find(({ type }) => type === 'EQUITY_UPDATED')?.body.sequence ?? 0;
    writes.trades.push({ command, after: verdict.challenge, sequence, first: { meaning, answer } });
    firsts.set(tradeKey(command.challengeId, command.tradeId), { meaning, answer });
    return { is: 'accepted', answer, replayed: false };
  }

  /** A repetition is no act: only the first one is written down. */
  #act(command: OperatorCommand, taking: Taking): Outcome {
    const { firsts, writes } = taking;
    const meaning = meaningOf(command);
    const first = firsts.acts.get(actKey(command));
    const outcome = first !== undefined ? repeat(first, meaning, 'act-conflict') : this.#decideAct(command, taking);
    if (outcome.is === 'accepted' && !outcome.replayed) {
      const { answer } = outcome;
      writes.acts.push({ key: command, first: { meaning, answer } });
      firsts.acts.set(actKey(command), { meaning, answer });
    }
    if (outcome.is !== 'accepted' || !outcome.replayed) writes.audit.push(auditLine(command, outcome));
    return outcome;
  }

  #decideAct(command: OperatorCommand, taking: Taking): Outcome {
    if (command.is === 'reactivate') return this.#reactivate(command, taking);
    const verdict = decide(this.#program, this.challenge, command, taking.moment);
    if (verdict.is === 'unchanged') throw new Error('an act that is neither accepted nor refused');
    const told = verdict.is === 'accepted' ? verdict : verdict.meanwhile;
    if (told !== undefined) this.#accept(told, taking);
    if (verdict.is === 'refused') return refused(verdict.refusal);
    return { is: 'accepted', answer: answerOf({ act_id: command.actId }, verdict, this.#state()), replayed: false };
  }

  /** It may be over by now: the days that are due say so. */
  #reactivate(command: ReactivateCommand, taking: Taking): Outcome {
    const { writes, traceparent, moment } = taking;
    this.#other({ is: 'roll', challengeId: command.challengeId }, taking);
    const opening = reactivated(this.#program, this.challenge, command, moment);
    if (opening.is === 'refused') return refused(opening.refusal);
    const { challenge, decisions } = opening;
    const state = JSON.stringify(stateOf(this.#program, challenge));
    writes.opened.push({ challenge, row: stateRow(challenge, state, traceparent) });
    for (const record of decisions) writes.decisions.push({ challengeId: challenge.challengeId, record });
    return { is: 'accepted', answer: answerOf({ act_id: command.actId }, opening, state), replayed: false };
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

/** @param key the command's id, under its name */
function answerOf(key: Readonly<Record<string, string>>, { events }: Told, stateText: string): string {
  const named = events.map(({ type, body: { event_id, sequence } }) => ({ event_id, type, sequence }));
  return `${JSON.stringify(key).slice(0, -1)},"challenge":${stateText},"events":${JSON.stringify(named)}}`;
}

const auditLine = (act: OperatorCommand, outcome: Outcome): AuditLine => ({
  who: act.by,
  act: act.is,
  why: act.reason,
  challenge_id: act.challengeId,
  act_id: act.actId,
  details: {
    ...namedBy(act),
    ...(act.is === 'reactivate' && outcome.is === 'accepted' ? { new_challenge_id: act.newChallengeId } : {}),
  },
  outcome: outcome.is === 'refused' ? outcome.refusal.code : outcome.is,
});

/** Its id is new: nobody else has it, or waits for it. */
async function insertOpened(transaction: OpenTransaction, { challenge, row }: Writes['opened'][number]): Promise<void> {
  const { locked } = await lockAggregates(transaction, INSERT_CHALLENGE, insertValues(challenge));
  await append(transaction, locked, [row]);
}
