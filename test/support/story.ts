import { Instant, Money, type ChallengeId, type EventId, type TradeId, type UserId } from '@tradesense/contracts';
import fc from 'fast-check';

import {
  decide,
  openChallenge,
  readProgram,
  type Challenge,
  type Command,
  type Moment,
  type Program,
  type Verdict,
} from '../../services/trade/src/domain/index.js';
import { accepted, CHALLENGE, EPOCH, NOON } from './trade-core.js';

/** One thing that is done to a challenge, so long after the one before. */
export interface Deed {
  readonly is: 'trade' | 'mark' | 'roll';
  /** A trade's result; a mark's open profit. */
  readonly cents: number;
  readonly pauseMs: number;
}

/** Deeds of up to a few percent of 10000.00, and pauses from nothing to some days. */
export const deeds = (most: number): fc.Arbitrary<readonly Deed[]> =>
  fc.array(
    fc.record({
      is: fc.constantFrom('trade', 'mark', 'mark', 'roll'),
      cents: fc.integer({ min: -40_000, max: 60_000 }),
      pauseMs: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 2 * 86_400_000 })),
    }),
    { maxLength: most, size: 'max' },
  );

/** @throws when the document can not be evaluated */
export function programOf(document: object): Program {
  const reading = readProgram(document);
  if (!reading.ok) throw new Error(JSON.stringify(reading.errors));
  return reading.program;
}

/** A challenge on any program, and what has become of it; opened with 10000.00, its ids in order. */
export class Story {
  challenge: Challenge;
  #ids = 0;

  constructor(
    readonly program: Program,
    readonly challengeId: ChallengeId = CHALLENGE,
    public at = Instant.of(NOON),
  ) {
    const userId = 'trader-1' as UserId;
    const command = {
      is: 'open',
      challengeId,
      userId,
      program: program.id,
      initialBalance: Money.of('10000.00'),
    } as const;
    this.challenge = accepted(openChallenge(program, command, this.moment())).challenge;
  }

  moment(): Moment {
    return { at: this.at, epoch: EPOCH, nextEventId: () => this.#nextId() as EventId };
  }

  /** Decided, and remembered where it was accepted. */
  take(deed: Deed): Verdict {
    this.at = Instant.plusMs(this.at, deed.pauseMs);
    return this.decide(this.#commandOf(deed));
  }

  takeAll = (all: readonly Deed[]): readonly Verdict[] => all.map((deed) => this.take(deed));

  decide(command: Command): Verdict {
    const verdict = decide(this.program, this.challenge, command, this.moment());
    const told = verdict.is === 'refused' ? verdict.meanwhile : verdict.is === 'accepted' ? verdict : undefined;
    if (told !== undefined) this.challenge = told.challenge;
    return verdict;
  }

  #nextId(): string {
    this.#ids += 1;
    return `33333333-3333-7333-8333-${String(this.#ids).padStart(12, '0')}`;
  }

  #commandOf({ is, cents }: Deed): Command {
    const { challengeId, at } = this;
    const amount = Money.ofMinor(BigInt(cents));
    if (is === 'roll') return { is, challengeId };
    if (is === 'mark') {
      const equity = Money.plus(this.challenge.balance, amount);
      return { is, challengeId, equity, priceTime: at, lastTradeId: this.challenge.book.lastTradeId };
    }
    return {
      is,
      challengeId,
      tradeId: this.#nextId() as TradeId,
      symbol: 'EURUSD',
      pnl: amount,
      executedAt: at,
      openedAt: null,
      side: null,
      quantity: null,
      commission: null,
      corrects: null,
    };
  }
}
