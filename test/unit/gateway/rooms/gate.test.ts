import { gate } from '../../../../services/gateway/src/rooms/index.js';

const at = (epoch: number, sequence: number) => ({ epoch, sequence });

describe('the gate, with 7 of epoch 2 as the last event', () => {
  it.each([
    ['the next one', at(2, 8), 'accept'],
    ['the same one', at(2, 7), 'duplicate'],
    ['an older one', at(2, 1), 'duplicate'],
    ['one after the next', at(2, 9), 'gap'],
    ['the first one of a newer epoch', at(3, 1), 'gap'],
    ['any one of a newer epoch', at(3, 8), 'gap'],
    ['the next number, of an older epoch', at(1, 8), 'duplicate'],
  ] as const)('%s', (_, event, verdict) => {
    expect(gate(at(2, 7), event)).toBe(verdict);
  });

  it('the first event ever seen is accepted whatever its number', () => {
    expect(gate(undefined, at(2, 41))).toBe('accept');
  });
});
