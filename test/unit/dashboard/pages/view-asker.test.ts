import type { ChallengeState } from '@tradesense/contracts';

import { ViewAsker, type ReadView } from '../../../../services/dashboard/src/pages/view-asker.js';
import { History } from '../../../support/facts.js';
import { until } from '../../../support/until.js';

const view = new History().state().body as ChallengeState;
const PACE = { restMs: 20, retryMs: 20, spreadMs: 10 };

/** A trade API that counts its questions and answers when told. */
function api() {
  const waiting: { give: (ok: boolean) => void; signal: AbortSignal }[] = [];
  const read: ReadView = (signal) =>
    new Promise((resolve, reject) => {
      waiting.push({ signal, give: (ok) => (ok ? resolve(view) : reject(new Error('away'))) });
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  return {
    waiting,
    read,
    asked: (count: number) =>
      until(
        () => waiting.length,
        (length) => length >= count,
      ),
  };
}

describe('asking the trade API for the view', () => {
  let told: ChallengeState[];
  let asker: ViewAsker;
  let trade: ReturnType<typeof api>;
  beforeEach(() => {
    told = [];
    trade = api();
    asker = new ViewAsker(
      trade.read,
      (seen) => told.push(seen),
      PACE,
      () => 0.5,
    );
  });
  afterEach(() => asker.stop());

  it('asks once for each reason, and not without one', async () => {
    asker.because(null);
    asker.because('peak 1');
    asker.because('peak 1');
    await trade.asked(1);
    trade.waiting[0]?.give(true);
    await until(() => told.length);
    asker.because(null);
    asker.because('peak 1');
    asker.because('peak 2');
    await trade.asked(2);
    expect(trade.waiting).toHaveLength(2);
  });

  it('has one question under way, and asks once more for all that came meanwhile', async () => {
    asker.because('peak 1');
    await trade.asked(1);
    for (let peak = 2; peak < 20; peak += 1) asker.because(`peak ${peak}`);
    expect(trade.waiting).toHaveLength(1);
    trade.waiting[0]?.give(true);
    await trade.asked(2);
    trade.waiting[1]?.give(true);
    await until(() => told.length === 2);
    expect(trade.waiting).toHaveLength(2);
  });

  it('asks again when the API was away', async () => {
    asker.because('day over');
    await trade.asked(1);
    trade.waiting[0]?.give(false);
    await trade.asked(2);
    trade.waiting[1]?.give(true);
    await until(() => told.length);
  });

  it('tells nothing once it is stopped', async () => {
    asker.because('peak 1');
    await trade.asked(1);
    asker.stop();
    expect(trade.waiting[0]?.signal.aborted).toBe(true);
    trade.waiting[0]?.give(true);
    asker.because(null);
    expect(told).toEqual([]);
  });
});
