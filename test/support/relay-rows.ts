import { EVENTS, STATE } from '@tradesense/contracts';

import type { Row } from '../../services/relay/src/reading/index.js';

/** An outbox row as the relay reads it, an event unless the test says otherwise. */
export const relayRow = (facts: Partial<Row> & { readonly position: bigint }): Row => ({
  id: `0195d2c0-0000-7000-8000-${String(facts.position).padStart(12, '0')}`,
  aggregatetype: EVENTS,
  aggregateid: '5f0c5a51-59a4-4d0f-8f4a-2d0e1b6a0a01',
  type: 'EQUITY_UPDATED',
  epoch: '1764081978',
  sequence: String(facts.position),
  user_id: 'trader-1',
  traceparent: null,
  payload: `{"equity":"${facts.position}.00"}`,
  created_at: '2026-11-25T10:00:00.123456Z',
  ...facts,
});

export const relayStateRow = (facts: Partial<Row> & { readonly position: bigint }): Row =>
  relayRow({ aggregatetype: STATE, type: 'CHALLENGE_STATE', ...facts });
