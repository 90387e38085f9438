import {
  Breaker,
  BreakerOpen,
  breakerReports,
  createLogger,
  createMetrics,
  type BreakerState,
} from '@tradesense/platform';

import { HeldClock } from '../../support/held-clock.js';

const OPEN_MS = 30_000;

function given({ failures = 3 } = {}) {
  const clock = new HeldClock();
  const states: BreakerState[] = [];
  const breaker = new Breaker({ failures, openMs: OPEN_MS, clock, changed: (state) => states.push(state) });
  let calls = 0;
  const succeed = (): Promise<string> => breaker.run(() => Promise.resolve(`answer ${(calls += 1)}`));
  const fail = (): Promise<unknown> =>
    breaker
      .run(() => {
        calls += 1;
        return Promise.reject(new Error('away'));
      })
      .catch((error: unknown) => error);
  return { clock, states, breaker, succeed, fail, calls: () => calls };
}

describe('a breaker', () => {
  it('opens after so many failures in a row, and calls no more', async () => {
    const { states, succeed, fail, calls } = given();
    await fail();
    await fail();
    await succeed(); // in a row: those before do not count
    for (let count = 0; count < 3; count += 1) expect(await fail()).toMatchObject({ message: 'away' });
    await expect(succeed()).rejects.toThrow(BreakerOpen);
    expect(calls()).toBe(6);
    expect(states).toEqual(['open']);
  });

  it('lets one try after a while, the others not; its success closes', async () => {
    const { clock, states, breaker, succeed, fail } = given({ failures: 1 });
    await fail();
    await clock.advance(OPEN_MS - 1);
    await expect(succeed()).rejects.toThrow(BreakerOpen);
    await clock.advance(1);
    let answer: (value: string) => void = () => undefined;
    const trial = breaker.run(() => new Promise<string>((resolve) => (answer = resolve)));
    await expect(succeed()).rejects.toThrow(BreakerOpen);
    answer('it is back');
    expect(await trial).toBe('it is back');
    expect(states).toEqual(['open', 'half_open', 'closed']);
    expect(await succeed()).toContain('answer');
  });

  it('stays open for another while when the trial fails', async () => {
    const { clock, states, succeed, fail } = given({ failures: 2 });
    await fail();
    await fail();
    await clock.advance(OPEN_MS);
    await fail();
    await clock.advance(OPEN_MS - 1);
    await expect(succeed()).rejects.toThrow(BreakerOpen);
    expect(states).toEqual(['open', 'half_open', 'open']);
  });

  it('is not moved by the late answer of a call from before it opened', async () => {
    const { breaker, fail, states } = given({ failures: 1 });
    let answer: (value: string) => void = () => undefined;
    const slow = breaker.run(() => new Promise<string>((resolve) => (answer = resolve)));
    await fail();
    answer('late');
    expect(await slow).toBe('late');
    expect(states).toEqual(['open']);
  });
});

describe('what is reported of breakers', () => {
  it('is a gauge from the start, and a line when one opens and when it has closed, none for trials', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string): void => void lines.push(line) };
    const metrics = createMetrics('gateway');
    const reports = breakerReports(
      metrics,
      createLogger({ service: 'gateway', instance: 'test', level: 'info', destination }),
    );
    const changed = reports('key_set');
    const gauge = async (): Promise<string | undefined> =>
      (await metrics.registry.metrics())
        .split('\n')
        .find((line) => line.startsWith('tradesense_gateway_breaker_open{'));
    expect(await gauge()).toBe('tradesense_gateway_breaker_open{dependency="key_set"} 0');
    for (const state of ['open', 'half_open', 'open', 'half_open'] as const) changed(state);
    expect(await gauge()).toBe('tradesense_gateway_breaker_open{dependency="key_set"} 1');
    changed('closed');
    expect(await gauge()).toBe('tradesense_gateway_breaker_open{dependency="key_set"} 0');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ level: 'warn', msg: 'a breaker has opened', dependency: 'key_set' }),
      expect.objectContaining({ level: 'info', msg: 'a breaker has closed', dependency: 'key_set' }),
    ]);
  });
});
