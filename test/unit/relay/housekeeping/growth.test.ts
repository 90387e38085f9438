import { Growth } from '../../../../services/relay/src/housekeeping/growth.js';

const MINUTE = 60_000;

describe('the growth of the outbox', () => {
  it('is unknown before the second sample', () => {
    const growth = new Growth();
    expect(growth.perHour).toBeUndefined();
    growth.sample(5 * MINUTE, 1_000);
    expect(growth.perHour).toBeUndefined();
    growth.sample(5 * MINUTE, 2_000);
    expect(growth.perHour).toBeUndefined(); // at the same moment
  });

  it('is what was added an hour, whatever was there before', () => {
    const growth = new Growth();
    growth.sample(0, 9_000_000);
    growth.sample(30 * MINUTE, 9_000_500);
    expect(growth.perHour).toBe(1_000);
    growth.sample(45 * MINUTE, 9_000_500);
    expect(growth.perHour).toBeCloseTo(500 / 0.75);
  });

  it('is not made smaller by what was emptied', () => {
    const growth = new Growth();
    const sizes = [1_000, 2_000, 100, 1_100];
    for (const [index, size] of sizes.entries()) growth.sample(index * 10 * MINUTE, size);
    expect(growth.perHour).toBe(4_000);
  });

  it('is that of the last hour', () => {
    const growth = new Growth();
    for (let minute = 0; minute <= 300; minute += 1)
      growth.sample(minute * MINUTE, minute <= 240 ? minute * 1_000_000 : 240e6);
    expect(growth.perHour).toBe(0);
  });
});
