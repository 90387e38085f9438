import { DatabaseClock } from '../../../../services/relay/src/database/index.js';
import { HeldClock } from '../../../support/held-clock.js';

describe("the database's clock", () => {
  it('is carried on by our monotonic one', async () => {
    const clock = new HeldClock();
    const database = new DatabaseClock(clock);
    await clock.advance(500);
    database.observe('2026-11-25T10:00:00.250000Z', clock.monotonicMs());
    await clock.advance(1_000);
    expect(new Date(database.now()).toISOString()).toBe('2026-11-25T10:00:01.250Z');
    expect(database.ageMs('2026-11-25T10:00:00.000000Z')).toBe(1_250);
  });

  it('makes nothing younger than now', () => {
    const database = new DatabaseClock(new HeldClock());
    database.observe('2026-11-25T10:00:00.000000Z', 0);
    expect(database.ageMs('2026-11-25T10:00:00.004000Z')).toBe(0);
  });
});
