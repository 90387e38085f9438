import { explained, type Excuse } from '../../soak/scenario/excuses.js';

const repeat = (beforeMs: number, againMs: number) => ({ event: 'a 1/1', beforeMs, againMs });
const takeOver: Excuse = { why: 'take-over', fromMs: 10_000, toMs: 10_000 };
const unclear: Excuse = { why: 'unclear send', fromMs: 20_000, toMs: 30_000 };

describe('who answers for an event that came again', () => {
  it('is a take-over between the two, and not one before or after both', () => {
    expect(explained([repeat(9_000, 11_000)], [takeOver])).toEqual({
      by: { 'take-over': 1, 'unclear send': 0, zombie: 0 },
      unexplained: [],
    });
    expect(explained([repeat(8_000, 9_000), repeat(11_000, 12_000)], [takeOver]).unexplained).toEqual([
      'a 1/1 came again after 1000 ms, at 1970-01-01T00:00:09.000Z',
      'a 1/1 came again after 1000 ms, at 1970-01-01T00:00:12.000Z',
    ]);
  });

  it('is a time of unclear sends, for repeats within it and across its borders', () => {
    const repeats = [repeat(15_000, 21_000), repeat(22_000, 23_000), repeat(29_000, 31_000)];
    expect(explained(repeats, [takeOver, unclear]).by['unclear send']).toBe(3);
    expect(explained([repeat(31_000, 32_000)], [takeOver, unclear]).unexplained).toHaveLength(1);
  });

  it('is nobody when nothing happened', () => {
    expect(explained([repeat(1, 2)], []).unexplained).toHaveLength(1);
  });
});
