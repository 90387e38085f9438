const challenge_id = '0199c2d4-7a10-7c3e-9f41-5b8e2d6a1c01';
const trade_id = '0199c2d4-7a10-7c3e-9f41-5b8e2d6a1c02';

const trade = {
  trade_id,
  symbol: 'EURUSD',
  realized_pnl: '200.00',
  executed_at: '2026-01-31T12:00:00Z',
  opened_at: '2026-01-31T11:30:00Z',
  side: 'BUY',
  quantity: '0.10',
  commission: '3.50',
};

const act = { act_id: '0199c2d4-7a10-7c3e-9f41-5b8e2d6a1c04', reason: 'Ticket 4711' };

/** Bodies that can be posted, one after the other, as they stand. */
export const SAMPLES = {
  challenge: { challenge_id, user_id: 'trader-1', program: 'ftmo-2-step', initial_balance: '100000.00' },
  trade,
  trades: {
    trades: [{ ...trade, challenge_id, trade_id: '0199c2d4-7a10-7c3e-9f41-5b8e2d6a1c03', realized_pnl: '-120.50' }],
  },
  marks: {
    marks: [{ challenge_id, equity: '100079.50', price_time: '2026-01-31T12:00:01Z', last_trade_id: trade_id }],
  },
  owner: { ...act, user_id: 'trader-2' },
  review: { ...act, verdict: 'APPROVED' },
  act,
};
