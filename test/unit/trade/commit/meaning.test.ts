import { Instant, Money, type ChallengeId, type TradeId } from '@tradesense/contracts';

import { meaningOf } from '../../../../services/trade/src/commit/meaning.js';
import type { TradeCommand } from '../../../../services/trade/src/domain/index.js';

const trade: TradeCommand = {
  is: 'trade',
  challengeId: '11111111-1111-7111-8111-111111111111' as ChallengeId,
  tradeId: '22222222-2222-7222-8222-222222222222' as TradeId,
  symbol: 'EURUSD',
  pnl: Money.of('200.00'),
  executedAt: Instant.of('2026-03-02T12:00:00Z'),
  openedAt: null,
  side: null,
  quantity: null,
  commission: null,
  corrects: null,
};
const means = (change: Partial<TradeCommand>) => meaningOf({ ...trade, ...change }).equals(meaningOf(trade));

describe('the meaning of a trade', () => {
  it('does not depend on spelling', () => {
    expect(means({ pnl: Money.of('200') })).toBe(true);
    expect(means({ executedAt: Instant.of('2026-03-02T13:00:00.000+01:00') })).toBe(true);
  });

  it.each<Partial<TradeCommand>>([
    { pnl: Money.of('200.01') },
    { symbol: 'EURUSD ' },
    { executedAt: Instant.of('2026-03-02T12:00:00.000001Z') },
    { openedAt: Instant.of('2026-03-02T12:00:00Z') },
    { side: 'BUY' },
    { quantity: '1' },
    { commission: Money.zero },
    { corrects: trade.tradeId },
  ])('changes with each of its fields', (change) => {
    expect(means(change)).toBe(false);
  });
});
