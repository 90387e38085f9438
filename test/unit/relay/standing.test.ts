import { Fault } from '@tradesense/platform';

import type { Outstanding } from '../../../services/relay/src/publishing/index.js';
import { findingOf, type Standing } from '../../../services/relay/src/standing.js';
import { relayRow } from '../../support/relay-rows.js';

const NOW_MS = 60_000;
const leading = (outstanding?: Outstanding, sincePassMs = 400): Standing => ({
  is: 'leading',
  sincePassMs: () => sincePassMs,
  outstanding: () => outstanding,
});
const oldest = relayRow({ position: 77n });

describe('readiness', () => {
  it('is given to an idle leader and to a standby', () => {
    expect(findingOf(leading(), NOW_MS)).toEqual({ ok: true, detail: 'leading' });
    expect(findingOf({ is: 'standing-by' }, NOW_MS).ok).toBe(true);
    expect(findingOf(leading({ sinceMs: NOW_MS - 900, oldest }, 900), NOW_MS).ok).toBe(true);
  });

  it('is refused while it connects, and with the reason while something is away or unfit', () => {
    expect(findingOf({ is: 'starting' }, NOW_MS).ok).toBe(false);
    const fault = new Fault('unfit', 'wait', 'the sequence outbox_position has CACHE 10');
    expect(findingOf({ is: 'waiting', fault }, NOW_MS)).toEqual({ ok: false, detail: fault.message });
  });

  it('is refused to one that takes over and comes to no end, with what is in its way', () => {
    const takingOver = (sinceMs: number, trouble?: string): Standing => ({
      is: 'taking-over',
      sinceMs,
      trouble: () => trouble,
    });
    expect(findingOf(takingOver(NOW_MS - 2_000), NOW_MS)).toEqual({ ok: true, detail: 'taking over for 2 s' });
    expect(findingOf(takingOver(NOW_MS - 7_000), NOW_MS)).toEqual({ ok: false, detail: 'taking over for 7 s' });
    expect(findingOf(takingOver(NOW_MS - 1_000, 'no right to read'), NOW_MS)).toEqual({
      ok: false,
      detail: 'taking over for 1 s: no right to read',
    });
  });

  it('is refused to a leader that is stuck, with what it is stuck at', () => {
    expect(findingOf(leading(undefined, 7_000), NOW_MS)).toEqual({
      ok: false,
      detail: 'no pass over the outbox for 7 s',
    });
    expect(findingOf(leading({ sinceMs: NOW_MS - 9_000, oldest }), NOW_MS)).toEqual({
      ok: false,
      detail: 'Kafka has not acknowledged position 77 for 9 s',
    });
    expect(findingOf(leading({ sinceMs: NOW_MS - 1_000, oldest, fault: 'no outcome' }), NOW_MS)).toEqual({
      ok: false,
      detail: 'Kafka has not acknowledged position 77 for 1 s: no outcome',
    });
  });
});
