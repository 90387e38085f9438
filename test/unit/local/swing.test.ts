import { Money } from '@tradesense/contracts';
import fc from 'fast-check';

import { nextMove, type Direction } from '../../../infra/local/src/demo/swing.js';

const initial = Money.of('10000.00');
const TOP = initial;
const LOW = Money.of('9560.00');
const floorsOf = (dayStart: Money) => [Money.ofMinor((dayStart * 95n) / 100n), Money.of('9000.00')];

/** Plays `moves` moves from `start` on a day that began there; chance is a list that is walked round and round. */
function play(start: Money, chances: readonly number[], moves: number): readonly Money[] {
  let index = 0;
  const random = { below: (limit: number) => (chances[index++ % chances.length] ?? 0) * limit };
  let equity = start;
  let direction: Direction = 'down';
  return Array.from({ length: moves }, () => {
    const move = nextMove({ equity, initial, floors: floorsOf(start), direction }, random);
    equity = Money.plus(equity, move.pnl);
    direction = move.direction;
    return equity;
  });
}

const chances = fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('the demo’s trades', () => {
  it('keep equity between the initial balance and 4.4 % below it, on any day that begins there', () => {
    const start = fc.bigInt({ min: LOW, max: TOP }).map(Money.ofMinor);
    fc.assert(
      fc.property(start, chances, (from, list) =>
        play(from, list, 300).every((equity) => equity >= LOW && equity <= TOP),
      ),
    );
  });

  it('cross the 80 % tier of the first day about once in fifty trades', () => {
    let seed = 7;
    const list = Array.from({ length: 997 }, () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647);
    const path = play(initial, list, 2_000);
    const tier = Money.of('9600.00');
    const crossings = path.filter((equity, index) => equity <= tier && (path[index - 1] ?? initial) > tier);
    const dips = path.filter((equity, index) => equity === LOW && path[index - 1] !== LOW);
    expect(dips.length).toBeGreaterThan(25);
    expect(crossings.length).toBeGreaterThanOrEqual(dips.length);
    expect(2_000 / dips.length).toBeGreaterThan(30);
    expect(2_000 / dips.length).toBeLessThan(75);
  });

  it('stay above a floor that somebody else’s profit has raised', () => {
    const floors = [Money.of('9500.00'), Money.of('9810.00')];
    const random = { below: (limit: number) => limit * 0.9 };
    let place = { equity: Money.of('10000.00'), initial, floors, direction: 'down' as Direction };
    for (let n = 0; n < 100; n += 1) {
      const { pnl, direction } = nextMove(place, random);
      place = { ...place, equity: Money.plus(place.equity, pnl), direction };
      expect(place.equity).toBeGreaterThan(Money.of('9810.00'));
    }
  });

  it('never end a challenge and never are nothing, whatever others have traded and however many days begin', () => {
    const day = fc.record({
      chances,
      moves: fc.integer({ min: 1, max: 120 }),
      foreign: fc.integer({ min: -30_000, max: 90_000 }),
    });
    fc.assert(
      fc.property(fc.array(day, { minLength: 1, maxLength: 8 }), (days) => {
        let equity = initial;
        let highest = initial;
        let direction: Direction = 'down';
        for (const { chances: list, moves, foreign } of days) {
          const dayStart = equity;
          const floors = () => [Money.ofMinor((dayStart * 95n) / 100n), Money.ofMinor((highest * 90n) / 100n)];
          const breached = (value: Money) => floors().some((floor) => value < floor);
          let index = 0;
          const random = { below: (limit: number) => (list[index++ % list.length] ?? 0) * limit };
          // Somebody's own trade, as long as it does not end the challenge by itself.
          const after = Money.ofMinor(equity + BigInt(foreign));
          if (!breached(after) && after < Money.of('10900.00')) equity = after;
          highest = Money.max(highest, equity);
          for (let n = 0; n < moves; n += 1) {
            const move = nextMove({ equity, initial, floors: floors(), direction }, random);
            equity = Money.plus(equity, move.pnl);
            ({ direction } = move);
            highest = Money.max(highest, equity);
            if (move.pnl === 0n || breached(equity) || equity >= Money.of('11000.00')) return false;
          }
        }
        return true;
      }),
      { numRuns: 300 },
    );
  });
});
