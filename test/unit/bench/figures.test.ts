import { atConstantRate } from '../../bench/load/arrivals.js';
import { median, percentile, table } from '../../bench/figures.js';

describe('figures of a bench', () => {
  it('take a percentile from what was measured, the largest for 100 %', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 95, 99, 100]);
    expect(median([3, 1, 2])).toBe(2);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('stand in columns', () => {
    expect(
      table(
        ['run', 'p50'],
        [
          ['1', 4.5],
          ['median', 12.25],
        ],
      ),
    ).toBe('run       p50\n------  -----\n1         4.5\nmedian  12.25');
  });
});

describe('arrivals at a constant rate', () => {
  const millis = (ns: bigint): number => Number(ns) / 1e6;

  it('do not wait for answers: what is due is sent while all earlier calls are open', async () => {
    let open = 0;
    let most = 0;
    await atConstantRate({ rate: 100, seconds: 0.2 }, async () => {
      most = Math.max(most, (open += 1));
      await new Promise((resolve) => setTimeout(resolve, 400));
      open -= 1;
    });
    expect(most).toBe(20);
  });

  it('hand out when each was due, so that a sender held up sees itself late', async () => {
    const lateMs: number[] = [];
    await atConstantRate({ rate: 100, seconds: 0.2 }, (index, dueNs) => {
      lateMs.push(millis(process.hrtime.bigint() - dueNs));
      const held = performance.now() + (index === 5 ? 60 : 0);
      while (performance.now() < held); // nothing else runs meanwhile
      return Promise.resolve();
    });
    expect(lateMs).toHaveLength(20);
    expect(lateMs[6]).toBeGreaterThan(45);
    expect(lateMs[9]).toBeGreaterThan(15);
  });
});
