import type { Cursor } from '@tradesense/contracts';
import fc from 'fast-check';

import { isTaken, judge } from '../../../../libs/client/src/challenge/rule.js';

const at = (sequence: number, epoch = 5): Cursor => ({ epoch, sequence });

describe('an event', () => {
  it.each([
    ['the next one', at(7), { ...at(8), prev: 7 }, 'handle'],
    ['one that stands in for others up to the cursor', at(7), { ...at(12), prev: 7 }, 'handle'],
    ['one that stands in for some that are known and some that are not', at(7), { ...at(12), prev: 3 }, 'handle'],
    ['the cursor`s own', at(7), { ...at(7), prev: 6 }, 'drop'],
    ['an older one', at(7), { ...at(3), prev: 2 }, 'drop'],
    ['one of an older epoch, however high', at(7), { ...at(900, 4), prev: 7 }, 'drop'],
    ['one with a hole before it', at(7), { ...at(9), prev: 8 }, 'rejoin'],
    ['the first of a newer epoch', at(7), { ...at(1, 6), prev: 0 }, 'rejoin'],
    ['one of a newer epoch that would fit', at(7), { ...at(8, 6), prev: 7 }, 'rejoin'],
    ['any, where no snapshot has come yet', null, { ...at(1), prev: 0 }, 'drop'],
  ] as const)('%s', (_, cursor, event, verdict) => {
    expect(judge(cursor, event)).toBe(verdict);
  });
});

describe('a snapshot', () => {
  it.each([
    ['the first', null, at(0), true],
    ['beyond the cursor', at(7), at(9), true],
    ['at the cursor', at(7), at(7), true],
    ['before the cursor', at(7), at(6), false],
    ['of another epoch', at(7), at(1, 6), true],
  ] as const)('%s', (_, cursor, snapshot, taken) => {
    expect(isTaken(cursor, snapshot)).toBe(taken);
  });
});

describe('whatever arrives', () => {
  const numbers = fc.record({
    epoch: fc.nat(3),
    sequence: fc.integer({ min: 1, max: 30 }),
    back: fc.integer({ min: 1, max: 6 }),
  });

  it('what is handled ascends within its epoch, each once, with no hole before it', () => {
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 200 }), fc.nat(30), (arrivals, start) => {
        let cursor = at(start, 1);
        for (const { epoch, sequence, back } of arrivals) {
          if (judge(cursor, { epoch, sequence, prev: sequence - back }) !== 'handle') continue;
          expect(epoch).toBe(cursor.epoch);
          expect(sequence).toBeGreaterThan(cursor.sequence);
          expect(sequence - back).toBeLessThanOrEqual(cursor.sequence);
          cursor = { epoch, sequence };
        }
      }),
    );
  });
});
