import { amountText, directionOf, minus, signedText } from '../../../../services/dashboard/src/format/money.js';

describe('money on the page', () => {
  it.each([
    ['999999999999.99', '999,999,999,999.99'],
    ['-999999999999.99', '−999,999,999,999.99'],
    ['10200.00', '10,200.00'],
    ['0.10', '0.10'],
    ['0.00', '0.00'],
  ])('%s is shown to the cent as %s', (amount, shown) => {
    expect(amountText(amount)).toBe(shown);
  });

  it.each([
    ['126.00', '+126.00', 'up'],
    ['-0.01', '−0.01', 'down'],
    ['0.00', '0.00', 'flat'],
  ])('%s carries its sign, and its direction in words', (amount, shown, direction) => {
    expect(signedText(amount)).toBe(shown);
    expect(directionOf(amount)).toBe(direction);
  });

  it('subtracts in cents, where floats would not', () => {
    expect(minus('999999999999.99', '999999999999.98')).toBe('0.01');
    expect(minus('4.35', '4.36')).toBe('-0.01');
  });
});
