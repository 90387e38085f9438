import fc from 'fast-check';

import { WINDOW, Window } from '../../../../services/gateway/src/delivery/index.js';

const SECOND = 1_000;

describe('a window', () => {
  it('has space for 64 KiB that were not acknowledged', () => {
    const window = new Window(0, 0);
    window.wrote(60 * 1024, 0);
    expect(window.fits(0, 4 * 1024)).toBe(true);
    expect(window.fits(1, 4 * 1024)).toBe(false);
    expect(window.fits(0, 4 * 1024 + 1)).toBe(false);
  });

  it('lets a message that is larger go alone, once nothing else is on its way', () => {
    const window = new Window(0, 0);
    expect(window.fits(0, 100 * 1024)).toBe(true);
    expect(window.fits(1, 100 * 1024)).toBe(false);
    window.wrote(1, 0);
    expect(window.fits(0, 100 * 1024)).toBe(false);
  });

  it('is acknowledged by a pong up to its ping, not further', () => {
    const window = new Window(0, 0);
    window.wrote(10_000, 0);
    window.pinged(0);
    window.wrote(5_000, 0);
    expect(window.ponged()).toBe(true);
    expect(window.unackedBytes).toBe(5_000);
  });

  it('settles pings first in, first out, and knows a pong that nobody asked for (S10)', () => {
    const window = new Window(0, 0);
    for (const bytes of [100, 200, 300]) {
      window.wrote(bytes, 0);
      window.pinged(0);
    }
    expect([1, 2, 3].map(() => [window.ponged(), window.unackedBytes])).toEqual([
      [true, 500],
      [true, 300],
      [true, 0],
    ]);
    expect(window.ponged()).toBe(false);
  });

  it('asks behind every 32 KiB, and where a message waits and the last byte was not asked about', () => {
    const window = new Window(0, 0);
    window.wrote(32 * 1024 - 1, 0);
    expect([window.isProbeDueBehind(0), window.isProbeDueBehind(1)]).toEqual([false, true]);
    window.wrote(1, 0);
    expect([window.isProbeDueBehind(0), window.isTailUnasked]).toEqual([true, true]);
    window.pinged(0);
    expect([window.isProbeDueBehind(0), window.isTailUnasked]).toEqual([false, false]);
    window.wrote(1, 0);
    expect([window.isProbeDueBehind(0), window.isTailUnasked]).toEqual([false, true]);
  });

  it('pings every 10 s, the first time anywhere within them', () => {
    expect(new Window(0, 0).isPingDue(9 * SECOND)).toBe(false);
    expect(new Window(0, 0).isPingDue(10 * SECOND)).toBe(true);
    expect(new Window(0, 0.75).isPingDue(2 * SECOND)).toBe(false);
    expect(new Window(0, 0.75).isPingDue(2.5 * SECOND)).toBe(true);
  });

  it('without data: is over 5 s after a ping that was not answered', () => {
    const window = new Window(0, 0);
    window.pinged(10 * SECOND);
    expect(window.lateness(15 * SECOND)).toBeUndefined();
    expect(window.lateness(15 * SECOND + 1)).toBe('unanswered');
  });

  it('with data on its way: is over after 30 s, whatever was or was not pinged', () => {
    const window = new Window(0, 0);
    window.wrote(10, 4 * SECOND);
    window.wrote(10, 30 * SECOND);
    window.pinged(10 * SECOND);
    expect(window.lateness(34 * SECOND)).toBeUndefined();
    expect(window.lateness(34 * SECOND + 1)).toBe('unread');
  });

  it('is not over for a peer that keeps answering, though there is always data on its way', () => {
    const window = new Window(0, 0);
    for (let second = 0; second < 300; second += 1) {
      window.wrote(100, second * SECOND);
      if (window.isPingDue(second * SECOND)) {
        window.pinged(second * SECOND);
        window.ponged();
        window.wrote(1, second * SECOND);
      }
      expect(window.lateness(second * SECOND)).toBeUndefined();
    }
  });

  it('never has more than it may on its way, whatever is written, pinged and answered', () => {
    const step = fc.oneof(
      fc.integer({ min: 1, max: 50_000 }),
      fc.constant('ping' as const),
      fc.constant('pong' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const window = new Window(0, 0.5);
        let pings = 0;
        for (const what of steps) {
          if (what === 'ping') {
            window.pinged(0);
            pings += 1;
          } else if (what === 'pong') {
            expect(window.ponged()).toBe(pings > 0);
            pings = Math.max(0, pings - 1);
          } else if (window.fits(0, what)) window.wrote(what, 0);
          expect(window.unackedBytes).toBeGreaterThanOrEqual(0);
          expect(window.unackedBytes).toBeLessThanOrEqual(WINDOW.bytes);
        }
      }),
    );
  });
});
