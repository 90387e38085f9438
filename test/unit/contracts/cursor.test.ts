import { compareCursors, isBeyond, isCursor, type Cursor } from '@tradesense/contracts';
import fc from 'fast-check';

const cursor = fc.record({ epoch: fc.nat({ max: 3 }), sequence: fc.nat({ max: 5 }) });

describe('cursors', () => {
  it('are ordered by epoch first: a rewound database starts counting anew', () => {
    expect(isBeyond({ epoch: 2, sequence: 1 }, { epoch: 1, sequence: 900 })).toBe(true);
    expect(isBeyond({ epoch: 1, sequence: 2 }, { epoch: 1, sequence: 1 })).toBe(true);
    expect(isBeyond({ epoch: 1, sequence: 1 }, { epoch: 1, sequence: 1 })).toBe(false);
  });

  it('have a total order', () => {
    const sign = (a: Cursor, b: Cursor): number => Math.sign(compareCursors(a, b));
    fc.assert(
      fc.property(cursor, cursor, cursor, (a, b, c) => {
        expect(sign(a, b) + sign(b, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
        expect(sign(a, b) === 0).toBe(a.epoch === b.epoch && a.sequence === b.sequence);
      }),
    );
  });

  it.each([
    [{ epoch: 1, sequence: 0 }, true],
    [{ epoch: 1, sequence: 5, more: true }, true],
    [{ epoch: '1', sequence: 0 }, false],
    [{ epoch: 1, sequence: -1 }, false],
    [{ epoch: 1, sequence: 0.5 }, false],
    [{ epoch: 1, sequence: 2 ** 53 }, false],
    [{ epoch: 1 }, false],
    [[1, 2], false],
    [null, false],
    ['1:2', false],
  ])('%j is one: %s', (value, wanted) => {
    expect(isCursor(value)).toBe(wanted);
  });
});
