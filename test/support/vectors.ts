import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Instant, Money, type ChallengeId, type EventId, type TradeId, type UserId } from '@tradesense/contracts';

import {
  decide,
  limitsOf,
  openChallenge,
  readProgram,
  recompute,
  stateOf,
  type Challenge,
  type Command,
  type Decision,
  type Moment,
  type Program,
  type Verdict,
} from '../../services/trade/src/domain/index.js';
import { accepted, CHALLENGE, EPOCH, presets } from './trade-core.js';

/** Golden vectors: what is done to a challenge on a program, and what must then be true. Adding a firm adds no code. */
export interface VectorFile {
  /** A preset's id, or a document. */
  readonly program: unknown;
  readonly vectors: readonly Vector[];
}

export interface Vector {
  readonly name: string;
  readonly initial: string;
  readonly opened_at: string;
  /** Of the new challenge. */
  readonly expect?: Expected;
  readonly steps: readonly Step[];
}

/** One of trade, mark, roll, review. A mark names the last trade unless `names` says otherwise. */
export interface Step {
  readonly at: string;
  readonly trade?: string;
  readonly opened_at?: string;
  readonly mark?: string;
  readonly names?: 'last' | 'nothing';
  readonly roll?: true;
  readonly review?: 'APPROVED' | 'REJECTED';
  readonly expect?: Expected;
}

export interface Expected {
  /** The code of a refusal, or why nothing changed; accepted unless given. */
  readonly verdict?: string;
  readonly events?: readonly string[];
  /** Parts of the state. */
  readonly state?: object;
  readonly floors?: Readonly<Record<string, string>>;
  readonly best_day?: object;
  /** Parts of the decision records, all of them. */
  readonly decisions?: readonly object[];
  /** Parts of the state that a refused command leaves behind. */
  readonly meanwhile?: object;
}

export const vectorFiles = (folder: string): readonly (VectorFile & { readonly file: string })[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => ({ file, ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as VectorFile) }));

export function programIn({ program }: VectorFile): Program {
  if (typeof program === 'string') return presets.latest(program)!;
  const reading = readProgram(program);
  if (!reading.ok) throw new Error(JSON.stringify(reading.errors));
  return reading.program;
}

/** Ids in order, the same ones in each run. */
const counting = (): (() => string) => {
  let count = 0;
  return () => `33333333-3333-7333-8333-${String((count += 1)).padStart(12, '0')}`;
};

/** A vector as it is played: a step at a time, so that several can be played beside each other. */
export class Player {
  readonly #nextId = counting();
  #lastTrade: TradeId | null = null;
  challenge: Challenge;
  readonly decisions: Decision[] = [];

  constructor(
    readonly program: Program,
    { initial, opened_at, expect: expected = {} }: Vector,
  ) {
    const command = {
      is: 'open',
      challengeId: CHALLENGE as ChallengeId,
      userId: 'trader-1' as UserId,
      program: program.id,
      initialBalance: Money.of(initial),
    } as const;
    this.challenge = accepted(openChallenge(program, command, this.#momentOf(opened_at))).challenge;
    this.#holds(expected);
  }

  /** Does it, and expects what the step says. */
  take(step: Step): void {
    const verdict = decide(this.program, this.challenge, this.#commandOf(step), this.#momentOf(step.at));
    if (verdict.is === 'accepted') {
      this.challenge = verdict.challenge;
      this.decisions.push(...verdict.decisions);
      for (const decision of verdict.decisions)
        expect(recompute(this.program, JSON.parse(JSON.stringify(decision)) as Decision)).toMatchObject({
          identical: true,
        });
    }
    const { expect: expected = {} } = step;
    expect([step.at, wordOf(verdict)]).toEqual([step.at, expected.verdict ?? 'accepted']);
    if (expected.events !== undefined)
      expect(verdict.is === 'accepted' && verdict.events.map(({ type }) => type)).toEqual(expected.events);
    if (expected.decisions !== undefined)
      expect(verdict.is === 'accepted' && verdict.decisions).toMatchObject(expected.decisions);
    if (expected.meanwhile !== undefined) {
      const meanwhile = verdict.is === 'refused' ? verdict.meanwhile : undefined;
      expect(meanwhile && stateOf(this.program, meanwhile.challenge)).toMatchObject(expected.meanwhile);
    }
    this.#holds(expected);
  }

  #holds({ state = {}, floors = {}, best_day }: Expected): void {
    const now = stateOf(this.program, this.challenge);
    expect(now).toMatchObject(state);
    expect(Object.fromEntries(now.limits.map(({ rule, floor }) => [rule, floor]))).toMatchObject(floors);
    if (best_day !== undefined) expect(limitsOf(this.program, this.challenge).best_day).toMatchObject(best_day);
  }

  #momentOf(at: string): Moment {
    return { at: Instant.of(at), epoch: EPOCH, nextEventId: () => this.#nextId() as EventId };
  }

  #commandOf({ at, trade, opened_at, mark, names = 'last', review }: Step): Command {
    const challengeId = CHALLENGE;
    if (trade !== undefined) {
      this.#lastTrade = this.#nextId() as TradeId;
      return {
        is: 'trade',
        challengeId,
        tradeId: this.#lastTrade,
        symbol: 'EURUSD',
        pnl: Money.of(trade),
        executedAt: Instant.of(at),
        openedAt: opened_at === undefined ? null : Instant.of(opened_at),
        side: null,
        quantity: null,
        commission: null,
        corrects: null,
      };
    }
    if (mark !== undefined) {
      const lastTradeId = names === 'last' ? this.#lastTrade : null;
      return { is: 'mark', challengeId, equity: Money.of(mark), priceTime: Instant.of(at), lastTradeId };
    }
    if (review !== undefined)
      return { is: 'review', challengeId, verdict: review, actId: this.#nextId(), reason: 'seen', by: 'operator-1' };
    return { is: 'roll', challengeId };
  }
}

function wordOf(verdict: Verdict): string {
  if (verdict.is === 'accepted') return verdict.is;
  return verdict.is === 'refused' ? verdict.refusal.code : verdict.why;
}
