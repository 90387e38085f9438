import { Instant, Money, type ChallengeId, type EventId, type TradeId, type UserId } from '@tradesense/contracts';

import {
  decide,
  openChallenge,
  programsOf,
  rollTo,
  stateOf,
  type Challenge,
  type Moment,
  type Program,
  type Told,
  type TradeCommand,
  type Verdict,
} from '../../services/trade/src/domain/index.js';
import { PRESETS_DIR, readDocuments } from '../../services/trade/src/programs/program-files.js';

/** The words of the pure core's tests: `given` a challenge, `when` something happens to it. */
export const CHALLENGE = '11111111-1111-7111-8111-111111111111' as ChallengeId;
export const EPOCH = 1_700_000_000;
/** When a challenge is opened unless a test says otherwise: a noon, UTC. */
export const NOON = '2026-03-02T12:00:00Z';

export const presets = programsOf(readDocuments([PRESETS_DIR]));
export const seed = presets.latest('seed') as Program;

/** Ids in order, the same ones for each command: what is decided twice is told twice alike. */
const idsOf = (at: string): (() => EventId) => {
  let count = 0;
  return () => {
    count += 1;
    const digits = `${Instant.of(at)}${String(count).padStart(3, '0')}`.padStart(32, '0').slice(-32);
    return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5') as EventId;
  };
};

const momentOf = (at: string): Moment => ({ at: Instant.of(at), epoch: EPOCH, nextEventId: idsOf(at) });

export interface TradeFacts {
  readonly pnl: string;
  /** The database's clock when the challenge was locked. */
  readonly at?: string;
  readonly executedAt?: string;
  readonly symbol?: string;
}

let trades = 0;

const commandOf = ({ pnl, at = NOON, executedAt = at, symbol = 'EURUSD' }: TradeFacts): TradeCommand => {
  trades += 1;
  return {
    is: 'trade',
    challengeId: CHALLENGE,
    tradeId: `22222222-2222-7222-8222-${String(trades).padStart(12, '0')}` as TradeId,
    symbol,
    pnl: Money.of(pnl),
    executedAt: Instant.of(executedAt),
    openedAt: null,
    side: null,
    quantity: null,
    commission: null,
    corrects: null,
  };
};

export const when = {
  isOpened: (initial: string | null, at: string = NOON): Verdict =>
    openChallenge(
      seed,
      {
        is: 'open',
        challengeId: CHALLENGE,
        userId: 'trader-1' as UserId,
        program: seed.id,
        initialBalance: initial === null ? null : Money.of(initial),
      },
      momentOf(at),
    ),
  tradeIsPosted: (challenge: Challenge, facts: TradeFacts): Verdict =>
    decide(seed, challenge, commandOf(facts), momentOf(facts.at ?? NOON)),
  /** One that no rule forbids. */
  trades: (challenge: Challenge, pnl: string, at: string = NOON): Told =>
    accepted(when.tradeIsPosted(challenge, { pnl, at })),
  isViewed: (challenge: Challenge, at: string) => stateOf(seed, rollTo(seed, challenge, Instant.of(at))),
};

export const given = {
  /** On the seed's program, after these results, each at the same time unless it names its own. */
  challenge: ({
    initial = '10000.00',
    at = NOON,
    after = [],
  }: {
    readonly initial?: string;
    readonly at?: string;
    readonly after?: readonly (string | readonly [pnl: string, at: string])[];
  } = {}): Challenge =>
    after.reduce<Challenge>(
      (challenge, trade) =>
        typeof trade === 'string'
          ? when.trades(challenge, trade, at).challenge
          : when.trades(challenge, trade[0], trade[1]).challenge,
      accepted(when.isOpened(initial, at)).challenge,
    ),
};

export function accepted(verdict: Verdict): Told {
  if (verdict.is !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(verdict)}`);
  return verdict;
}

export const typesOf = ({ events }: Told): readonly string[] => events.map(({ type }) => type);
export const state = (challenge: Challenge) => stateOf(seed, challenge);
