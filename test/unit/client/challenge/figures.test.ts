import type { ChallengeState, ChallengeStatusChanged, ChallengeUpdated } from '@tradesense/contracts';

import { NOTHING, afterEvent, afterSnapshot } from '../../../../libs/client/src/challenge/figures.js';
import { History } from '../../../support/facts.js';

const history = new History();
const state = (more: Partial<ChallengeState> = {}): ChallengeState => ({
  ...(history.state().body as ChallengeState),
  ...more,
});
const failed = history.status().body as ChallengeStatusChanged;

describe('figures after a challenge was updated', () => {
  const update = (of: ChallengeState) => ({
    type: 'CHALLENGE_UPDATED' as const,
    body: { state: of } as ChallengeUpdated,
  });

  it('are the state`s: its limits, its equity', () => {
    const rolled = state();
    expect(afterEvent(NOTHING, update(rolled))).toMatchObject({ snapshot: rolled, equityData: rolled.equity });
  });

  it('keep the last change of status while the state agrees, and drop it where it does not', () => {
    const before = { ...NOTHING, statusData: failed };
    expect(afterEvent(before, update(state({ status: 'FAILED' }))).statusData).toBe(failed);
    expect(afterEvent(before, update(state({ status: 'ACTIVE' }))).statusData).toBeNull();
  });
});

describe('figures after a snapshot', () => {
  it('drop a change of status that the snapshot contradicts', () => {
    const before = { ...afterSnapshot(NOTHING, state(), null), statusData: failed };
    expect(afterSnapshot(before, state({ status: 'CLOSED' }), null).statusData).toBeNull();
    expect(afterSnapshot(before, state({ status: 'FAILED' }), null).statusData).toBe(failed);
  });

  it('keep the list of alerts as it is where nothing is new', () => {
    const before = afterSnapshot(NOTHING, state(), null);
    expect(afterSnapshot(before, state(), null).riskAlerts).toBe(before.riskAlerts);
  });
});
