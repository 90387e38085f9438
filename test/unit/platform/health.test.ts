import { Health, type Clock, type Finding } from '@tradesense/platform';

const at = (seconds: number): string => new Date(seconds * 1000).toISOString();

function healthAt(): { health: Health; clock: { seconds: number } } {
  const clock = { seconds: 0 };
  const held: Clock = {
    now: () => clock.seconds * 1000,
    monotonicMs: () => clock.seconds * 1000,
    sleep: () => Promise.resolve(),
  };
  return { health: new Health(held), clock };
}

describe('health', () => {
  it('is well while every check is', () => {
    const { health } = healthAt();
    const kafka: { finding: Finding } = { finding: { ok: true } };
    health.check('database', () => ({ ok: true }));
    health.check('kafka', () => kafka.finding);
    expect(health.report().ok).toBe(true);
    kafka.finding = { ok: false, detail: 'no broker answers' };
    expect(health.report()).toMatchObject({ ok: false, checks: { kafka: { ok: false, detail: 'no broker answers' } } });
  });

  it('says since when a check has been as it is, not when it was last asked', () => {
    const { health, clock } = healthAt();
    const lease = { ok: true };
    health.check('lease', () => ({ ...lease }));
    const since = (seconds: number): string | undefined => {
      clock.seconds = seconds;
      return health.report().checks['lease']?.since;
    };
    expect(since(1)).toBe(at(1));
    expect(since(5)).toBe(at(1));
    lease.ok = false;
    expect(since(6)).toBe(at(6));
    expect(since(9)).toBe(at(6));
    lease.ok = true;
    expect(since(12)).toBe(at(12));
  });

  it('counts a check that throws as failed, and shows none of its text', () => {
    const { health } = healthAt();
    health.check('odd', () => {
      throw new TypeError('postgres://u:hunter2@h');
    });
    const report = health.report();
    expect(report.ok).toBe(false);
    expect(report.checks['odd']?.detail).toBe('the check itself failed: TypeError');
  });
});
