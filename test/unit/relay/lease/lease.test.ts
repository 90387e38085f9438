import fc from 'fast-check';

import { afterExtend, isTrusted, standbyMs, taken, type Held } from '../../../../services/relay/src/lease/lease.js';

const LEASE_MS = 10_000;

describe('the trust in a lease', () => {
  it('counts from when the update was sent, less a tenth', () => {
    const lease = taken(7n, 1_000, LEASE_MS);
    expect(isTrusted(lease, 9_999)).toBe(true);
    expect(isTrusted(lease, 10_000)).toBe(false);
  });

  it('is renewed by an update that touched the row, and gone with one that touched none', () => {
    const held = taken(7n, 0, LEASE_MS);
    expect(afterExtend(held, true, 3_000, LEASE_MS)).toEqual({ is: 'held', generation: 7n, trustedUntilMs: 12_000 });
    expect(afterExtend(held, false, 3_000, LEASE_MS)).toEqual({ is: 'lost', why: 'taken' });
  });

  it('belongs to nobody who does not hold it', () => {
    expect(isTrusted({ is: 'vacant' }, 0)).toBe(false);
    expect(isTrusted({ is: 'released' }, 0)).toBe(false);
    expect(isTrusted({ is: 'lost', why: 'expired' }, 0)).toBe(false);
  });

  it('always ends before PostgreSQL lets another one in, however slow the answers are', () => {
    const update = fc.record({ pauseMs: fc.nat(9_000), toServerMs: fc.nat(20_000), answered: fc.boolean() });
    fc.assert(
      fc.property(fc.array(update, { minLength: 1, maxLength: 20 }), (updates) => {
        let nowMs = 0;
        let leaseUntilMs = -Infinity;
        let held: Held | undefined;
        for (const { pauseMs, toServerMs, answered } of updates) {
          const sentAtMs = (nowMs += pauseMs);
          const ranAtMs = (nowMs += toServerMs);
          if (held !== undefined && leaseUntilMs <= ranAtMs) break; // touches no row
          leaseUntilMs = ranAtMs + LEASE_MS;
          if (answered)
            held =
              held === undefined
                ? taken(1n, sentAtMs, LEASE_MS)
                : (afterExtend(held, true, sentAtMs, LEASE_MS) as Held);
          if (held !== undefined) expect(isTrusted(held, leaseUntilMs)).toBe(false);
        }
      }),
    );
  });
});

describe('a standby', () => {
  it('sleeps until the end it read, but never longer than a third of the lease', () => {
    expect(standbyMs(1_200, LEASE_MS)).toBe(1_200);
    expect(standbyMs(9_000, LEASE_MS)).toBeCloseTo(3_333.3, 0);
  });

  it('asks every 250 ms once that end has passed', () => {
    expect(standbyMs(0, LEASE_MS)).toBe(250);
  });
});
