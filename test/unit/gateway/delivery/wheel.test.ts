import { Wheel } from '../../../../services/gateway/src/delivery/index.js';
import { until } from '../../../support/until.js';

describe('the wheel', () => {
  it('comes by each of many about once a second, never by all at once', async () => {
    const wheel = new Wheel<{ sweep(nowMs: number): void }>(() => performance.now());
    const swept = new Map<number, number>();
    const items = Array.from({ length: 200 }, (_, index) => ({
      sweep: (nowMs: number) => void swept.set(index, nowMs),
    }));
    for (const item of items) wheel.add(item);
    wheel.start();
    try {
      await until(
        () => swept.size,
        (size) => size === 200,
        { withinMs: 3_000 },
      );
      expect(new Set([...swept.values()]).size).toBeGreaterThanOrEqual(40);
    } finally {
      wheel.stop();
    }
  });

  it('does not come by whoever was taken off, nor after it was stopped; may be started and stopped twice', async () => {
    const wheel = new Wheel<{ sweep(nowMs: number): void }>(() => performance.now());
    const counts = { gone: 0, stays: 0 };
    const gone = { sweep: () => (counts.gone += 1) };
    wheel.add(gone);
    wheel.add({ sweep: () => (counts.stays += 1) });
    wheel.remove(gone);
    wheel.start();
    wheel.start();
    await until(() => counts.stays > 0, Boolean, { withinMs: 3_000 });
    wheel.stop();
    wheel.stop();
    expect(counts).toEqual({ gone: 0, stays: 1 });
  });
});
