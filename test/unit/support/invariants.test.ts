import { ascendingPerChallenge, contiguousPerChallenge, handledOnce, sameSet } from '../../support/invariants.js';

const event = (sequence: number, challenge_id = 'a', epoch = 1) => ({ challenge_id, epoch, sequence });
const history = (...sequences: number[]) => sequences.map((sequence) => event(sequence));

describe('the checkers that long tests rely on', () => {
  it('are content with 1..N of two challenges, interleaved', () => {
    const good = [event(1), event(1, 'b'), event(2, 'b'), event(2), event(3)];
    expect(handledOnce(good)).toEqual([]);
    expect(contiguousPerChallenge(good)).toEqual([]);
    expect(ascendingPerChallenge(good)).toEqual([]);
    expect(sameSet(good, [...good].reverse())).toEqual([]);
  });

  it('name the event that occurs twice', () => {
    expect(handledOnce(history(1, 2, 2, 3))).toEqual(['twice: a 1/2']);
  });

  it('let an at-least-once log repeat, but not lack or swap events', () => {
    expect(contiguousPerChallenge(history(1, 2, 1, 2, 3))).toEqual([]);
    expect(contiguousPerChallenge(history(1, 3))).toEqual(['a 1/3 where 2 was due']);
    expect(contiguousPerChallenge(history(2, 1))).toHaveLength(2);
    expect(contiguousPerChallenge(history(8, 9), 7)).toEqual([]);
  });

  it('see a step back, also from a later epoch into an earlier one', () => {
    expect(ascendingPerChallenge(history(1, 5, 4))).toEqual(['a 1/4 after a 1/5']);
    expect(ascendingPerChallenge([event(9, 'a', 1), event(1, 'a', 2)])).toEqual([]);
    expect(ascendingPerChallenge([event(1, 'a', 2), event(9, 'a', 1)])).toHaveLength(1);
  });

  it('tell a loss beside a duplicate, where counting would not', () => {
    expect(sameSet(history(1, 2, 3), history(1, 3, 3))).toEqual(['lost: a 1/2']);
    expect(sameSet(history(1), history(1, 2))).toEqual(['from nowhere: a 1/2']);
  });
});
