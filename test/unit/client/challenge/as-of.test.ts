import type { Freshness } from '@tradesense/contracts';

import { asOfAt } from '../../../../libs/client/src/challenge/as-of.js';

const heard = (state: Freshness['state'], as_of: string | null) => ({
  freshness: { challenge_id: 'c', state, as_of },
  atMs: 1_000,
});

describe('as of when figures are whole', () => {
  it('moves on while the room is live and heard of, less what may have been missing', () => {
    expect(asOfAt(heard('live', '2026-11-25T10:00:00Z'), 61_000)).toBe('2026-11-25T10:00:50.000Z');
  });

  it('is never before what the gateway said', () => {
    expect(asOfAt(heard('live', '2026-11-25T10:00:00Z'), 5_000)).toBe('2026-11-25T10:00:00Z');
  });

  it('stands still where the room is stale', () => {
    expect(asOfAt(heard('stale', '2026-11-25T10:00:00Z'), 61_000)).toBe('2026-11-25T10:00:00Z');
  });

  it('is nothing where nothing was said', () => {
    expect(asOfAt(heard('unknown', null), 61_000)).toBeNull();
  });
});
