import {
  ChallengeState,
  ChallengeStatusChanged,
  ChallengeUpdated,
  EquityUpdated,
  Instant,
  Money,
  RiskAlert,
} from '@tradesense/contracts';
import fc from 'fast-check';
import { Value } from 'typebox/value';

import type { Challenge, Told } from '../../../services/trade/src/domain/index.js';
import { given, NOON, state, when } from '../../support/trade-core.js';

/** Results up to a few percent, and pauses from nothing to some days. */
const steps = fc.array(
  fc.record({ cents: fc.integer({ min: -30_000, max: 30_000 }), pauseMs: fc.integer({ min: 0, max: 2 * 86_400_000 }) }),
  { maxLength: 60 },
);
type Steps = readonly { readonly cents: number; readonly pauseMs: number }[];

/** The told trades of a history; what comes after an end is refused, and not in it. */
function told(history: Steps): readonly Told[] {
  const all: Told[] = [];
  let challenge: Challenge = given.challenge();
  let at = Instant.of(NOON);
  for (const { cents, pauseMs } of history) {
    at = Instant.plusMs(at, pauseMs);
    const pnl = Money.format(Money.ofMinor(BigInt(cents)));
    const verdict = when.tradeIsPosted(challenge, { pnl, at: Instant.format(at) });
    if (verdict.is !== 'accepted') {
      expect(verdict).toMatchObject({ refusal: { code: 'challenge-closed' } });
      continue;
    }
    all.push(verdict);
    challenge = verdict.challenge;
  }
  return all;
}

const SCHEMAS = {
  EQUITY_UPDATED: EquityUpdated,
  CHALLENGE_STATUS_CHANGED: ChallengeStatusChanged,
  RISK_ALERT: RiskAlert,
  CHALLENGE_UPDATED: ChallengeUpdated,
};

describe('any history of trades', () => {
  const holds = (property: (history: Steps) => void) => fc.assert(fc.property(steps, property), { numRuns: 150 });

  it('is decided the same way twice', () =>
    holds((history) => {
      expect(told(history).map((one) => [one.events, one.decisions])).toEqual(
        told(history).map((one) => [one.events, one.decisions]),
      );
    }));

  it('is numbered 1, 2, 3 … without a hole', () =>
    holds((history) => {
      const sequences = told(history).flatMap(({ events }) => events.map(({ body }) => body.sequence));
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    }));

  it('ends at most once, and nothing follows the end', () =>
    holds((history) => {
      const all = told(history);
      const ends = all.filter(({ events }) => events.some(({ type }) => type === 'CHALLENGE_STATUS_CHANGED'));
      expect(ends.length).toBeLessThanOrEqual(1);
      if (ends.length === 1) expect(all.at(-1)).toBe(ends[0]);
    }));

  it('adds up: equity is the initial balance and every result', () =>
    holds((history) => {
      const all = told(history);
      const applied = history.slice(0, all.length).reduce((sum, { cents }) => sum + BigInt(cents), 10_000_00n);
      expect(all.at(-1)?.challenge.equity.current ?? 10_000_00n).toBe(applied);
    }));

  it('keeps the promises between its own numbers', () =>
    holds((history) => {
      for (const { challenge } of told(history)) {
        const { equity, status } = challenge;
        expect(equity.maxEver >= equity.current && equity.dayMax >= equity.current).toBe(true);
        expect(equity.dayMin <= equity.current && equity.dayMin <= equity.dayStart).toBe(true);
        const { limits } = state(challenge);
        expect(limits.some(({ breached }) => breached)).toBe(status === 'FAILED');
        expect((challenge.closedAt !== null) === (status !== 'ACTIVE')).toBe(true);
      }
    }));

  it('has events and states of the agreed shape', () =>
    holds((history) => {
      for (const { challenge, events } of told(history)) {
        expect([...Value.Errors(ChallengeState, state(challenge))]).toEqual([]);
        for (const { type, body } of events)
          expect([...Value.Errors(SCHEMAS[type as keyof typeof SCHEMAS], body)]).toEqual([]);
      }
    }));
});
