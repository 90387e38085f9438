import { IsIn, Matches, ValidateNested, validateSync } from 'class-validator';
import fc from 'fast-check';

import { TradeBody } from '../../../../services/trade/src/http/trade.body.js';
import { Rules } from '../../../../services/trade/src/http/rules.js';
import { given } from '../../../support/given.js';

/** What Nest's ValidationPipe would make of it. */
function byClassValidator(body: object): Readonly<Record<string, string>> {
  const errors = validateSync(Object.assign(new TradeBody(), body), {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
  });
  return Object.fromEntries(
    errors.map(({ property, constraints = {} }) => [
      `/${property}`,
      'whitelistValidation' in constraints ? 'is not a known field' : Object.values(constraints).join('; '),
    ]),
  );
}
const byRules = (body: object): Readonly<Record<string, string>> =>
  Object.fromEntries(new Rules(TradeBody).faultsOf(body).map(({ path, message }) => [path, message]));

const odd = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    '',
    ' ',
    '1',
    '-0',
    '1.005',
    '1e5',
    'NaN',
    'BUY',
    'Infinity',
    '2026-02-30T00:00:00Z',
  ),
  fc.string(),
  fc.jsonValue(),
);

describe('the rules of a body', () => {
  it('are those of class-validator, word for word', () => {
    const change = fc.record(
      Object.fromEntries([...Object.keys(given.trade()), 'side', 'quantity', 'extra'].map((name) => [name, odd])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(change, (changed) => {
        const body = JSON.parse(JSON.stringify({ ...given.trade(), ...changed })) as object;
        expect(byRules(body)).toEqual(byClassValidator(body));
      }),
    );
  });

  it('refuse a decorator that they do not know, rather than pass it over', () => {
    class Inner {
      @Matches(/x/) x!: string;
    }
    class Outer {
      @IsIn([1]) one!: number;
      @ValidateNested() inner!: Inner;
    }
    expect(() => new Rules(Outer)).toThrow(/inner is not understood/);
  });
});
