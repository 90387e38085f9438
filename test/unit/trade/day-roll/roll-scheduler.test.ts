import type { ChallengeId } from '@tradesense/contracts';
import { createLogger, createMetrics } from '@tradesense/platform';

import type { Outcome } from '../../../../services/trade/src/commit/index.js';
import { RollScheduler } from '../../../../services/trade/src/day-roll/index.js';
import { HeldClock } from '../../../support/held-clock.js';

const idOf = (number: number): ChallengeId =>
  `${number.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000` as ChallengeId;

/** Challenges whose day has ended, as the search finds them: in order, from a place on. */
class DueDays {
  readonly ids = new Set<ChallengeId>();
  isAway = false;

  query = <Row>(_text: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    if (this.isAway) return Promise.reject(new Error('away'));
    const [endsAt, after, , limit] = values as [string, string, number, number];
    const found = [...this.ids].sort().filter((id) => endsAt === '-infinity' || id > after);
    return Promise.resolve(found.slice(0, limit).map((id) => ({ id, ends_at: 'midnight' })) as Row[]);
  };
}

function scene({ perSecond = 100, seed = 0.5 } = {}) {
  const clock = new HeldClock();
  const due = new DueDays();
  const rolled: { readonly id: ChallengeId; readonly atMs: number }[] = [];
  let answer = (challengeId: ChallengeId): Promise<Outcome> => {
    due.ids.delete(challengeId);
    return Promise.resolve({ is: 'accepted', answer: '', replayed: false });
  };
  const scheduler = new RollScheduler({
    queries: due,
    roll: (id) => {
      rolled.push({ id, atMs: clock.monotonicMs() });
      return answer(id);
    },
    perSecond,
    metrics: createMetrics('trade'),
    log: createLogger({ service: 'trade', instance: 'trade-1', level: 'silent' }),
    clock,
    random: { below: (limit) => limit * seed },
  });
  const rolls = (by: typeof answer) => (answer = by);
  return { clock, due, rolled, scheduler, rolls };
}

describe('days that have ended', () => {
  it('are rolled within a second of being due, all of them, from a place of its own on', async () => {
    const { clock, due, rolled, scheduler } = scene();
    scheduler.start();
    await clock.advance(500);
    for (const first of [0x1, 0x7, 0x9, 0xf]) due.ids.add(idOf(first * 2 ** 28));
    await clock.advance(1_000);
    expect(rolled.map(({ id }) => id[0])).toEqual(['9', 'f', '1', '7']);
    expect(due.ids.size).toBe(0);
    await scheduler.stop();
  });

  it('are rolled at the rate that is set, and no faster', async () => {
    const { clock, due, rolled, scheduler } = scene({ perSecond: 100 });
    for (let number = 0; number < 1_000; number += 1) due.ids.add(idOf(number));
    scheduler.start();
    await clock.advance(5_000);
    expect(rolled.length).toBeGreaterThanOrEqual(480);
    expect(rolled.length).toBeLessThanOrEqual(505);
    await clock.advance(6_000);
    expect(due.ids.size).toBe(0);
    await scheduler.stop();
  });

  it('wait for nobody that is locked elsewhere, which is not asked for twice meanwhile', async () => {
    const { clock, due, rolled, scheduler, rolls } = scene();
    const locked = idOf(3);
    let unlock!: () => void;
    rolls((id) => {
      if (id === locked)
        return new Promise((resolve) => {
          unlock = () => resolve({ is: 'accepted', answer: '', replayed: false });
        });
      due.ids.delete(id);
      return Promise.resolve({ is: 'accepted', answer: '', replayed: false });
    });
    for (let number = 0; number < 8; number += 1) due.ids.add(idOf(number));
    scheduler.start();
    await clock.advance(10_000);
    expect([...due.ids]).toEqual([locked]);
    expect(rolled).toHaveLength(8);
    const stopped = scheduler.stop();
    unlock();
    await stopped;
  });

  it('are at most 512 at a time, however slow the database', async () => {
    const { clock, due, rolled, scheduler, rolls } = scene({ perSecond: 10_000 });
    const unlock: (() => void)[] = [];
    rolls(
      (id) =>
        new Promise((resolve) => {
          unlock.push(() => {
            due.ids.delete(id);
            resolve({ is: 'accepted', answer: '', replayed: false });
          });
        }),
    );
    for (let number = 0; number < 600; number += 1) due.ids.add(idOf(number));
    scheduler.start();
    await clock.advance(5_000);
    expect(rolled).toHaveLength(512);
    while (unlock.length > 0) {
      unlock.shift()!();
      await clock.advance(10);
    }
    expect(due.ids.size).toBe(0);
    await scheduler.stop();
  });

  it('are met again by the next sweep when something went wrong, in the search or in the roll', async () => {
    const { clock, due, rolled, scheduler, rolls } = scene();
    due.isAway = true;
    due.ids.add(idOf(1));
    scheduler.start();
    await clock.advance(2_000);
    expect(rolled).toEqual([]);
    due.isAway = false;
    rolls(() => Promise.reject(new Error('no')));
    await clock.advance(2_000);
    expect(rolled.length).toBeGreaterThanOrEqual(2);
    rolls((id) => {
      due.ids.delete(id);
      return Promise.resolve({ is: 'accepted', answer: '', replayed: false });
    });
    await clock.advance(1_000);
    expect(due.ids.size).toBe(0);
    await scheduler.stop();
  });

  it('are nobody’s any more after the stop, also one before the start, also fifty', async () => {
    const { clock, due, rolled, scheduler } = scene();
    due.ids.add(idOf(1));
    await Promise.all(Array.from({ length: 50 }, () => scheduler.stop()));
    scheduler.start();
    await clock.advance(5_000);
    expect(rolled).toEqual([]);
  });
});
