import type { ChallengeId, Cursor } from '@tradesense/contracts';
import fc from 'fast-check';

import { isBodyOf, isFlatBodyOf } from '../../../../services/gateway/src/intake/body.js';
import { accepted, given, when } from '../../../support/trade-core.js';

const CHALLENGE_ID = '0193a111-0000-7000-8000-000000000001' as ChallengeId;
const AT: Cursor = { epoch: 1_764_081_978, sequence: 12 };
const isFlat = (text: string): boolean => isFlatBodyOf(CHALLENGE_ID, AT, text);
const isJson = (text: string): boolean => isBodyOf(CHALLENGE_ID, AT, Buffer.from(text, 'latin1'));

const named = { challenge_id: CHALLENGE_ID, ...AT };
const scalar = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const name = fc.oneof(fc.string(), fc.constantFrom('epoch', 'sequence', 'challenge_id', '__proto__', 'prev'));
const fields = fc.array(fc.tuple(name, fc.oneof({ weight: 9, arbitrary: scalar }, fc.jsonValue())), { maxLength: 6 });
/** By hand, so that names may come twice. */
const bodyOf = (before: readonly [string, unknown][], after: readonly [string, unknown][]): string =>
  `{${[
    ['challenge_id', CHALLENGE_ID] as const,
    ...before,
    ['epoch', AT.epoch] as const,
    ['sequence', AT.sequence] as const,
    ...after,
  ]
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join(',')}}`;
const body = fc.tuple(fields, fields).map(([before, after]) => bodyOf(before, after));

describe('a body that is told to be flat', () => {
  it('is one that parses and says what it must, whatever it looks like', () => {
    let flat = 0;
    fc.assert(
      fc.property(body, (text) => {
        if (!isFlat(text)) return;
        flat += 1;
        expect(isJson(text)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(flat).toBeGreaterThan(100); // the property has looked at some
  });

  it('is still one when it was spoilt anywhere', () => {
    const plain = bodyOf([['pnl', '-1.50'], ['at', '2026-11-25T14:46:18Z']], [['count', -0.5e-3], ['of', null]]); // prettier-ignore
    expect(isFlat(plain)).toBe(true);
    const text = fc.oneof(fc.constant(plain), body);
    const inserted = fc.oneof(
      fc.constantFrom('"', '\\', ',', ':', '{', '}', '[', ']', '-', '.', 'e', '0', ' ', '\n', '\0', '\x7f', 'é', ''),
      fc.constantFrom('"epoch":1,', ',"sequence":12', '"challenge_id":"x",', 'null', '\\u0000', '\\"'),
    );
    let flat = 0;
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(3), inserted, (whole, at, gone, other) => {
        const place = at % (whole.length + 1);
        const spoilt = whole.slice(0, place) + other + whole.slice(place + gone);
        if (!isFlat(spoilt)) return;
        flat += 1;
        expect({ spoilt, isJson: isJson(spoilt) }).toEqual({ spoilt, isJson: true });
      }),
      { numRuns: 20_000 },
    );
    expect(flat).toBeGreaterThan(100);
  });

  it.each([
    ['another challenge', { ...named, challenge_id: '0193a111-0000-7000-8000-000000000002' }],
    ['another epoch', { ...named, epoch: AT.epoch + 1 }],
    ['another sequence', { ...named, sequence: 1 }],
    ['a sequence in a string', { ...named, sequence: '12' }],
  ])('is not about %s', (_, other) => {
    expect([isFlat(JSON.stringify(named)), isFlat(JSON.stringify(other))]).toEqual([true, false]);
  });

  it.each([
    ['epoch', '"epoch":1'],
    ['sequence', '"sequence":1'],
    ['challenge_id', '"challenge_id":"x"'],
  ])('says its %s once: of two the last counts for whoever parses it', (_, again) => {
    expect(isFlat(`${JSON.stringify(named).slice(0, -1)},${again}}`)).toBe(false);
    expect(isFlat(JSON.stringify(named).replace(',"epoch"', `,${again},"epoch"`))).toBe(false);
  });

  it('is every equity update as the trade service writes it', () => {
    const trade = { pnl: '200.00', executedAt: '2026-03-02T11:59:58Z' };
    const { events } = accepted(when.tradeIsPosted(given.challenge(), trade));
    const updates = events.filter(({ type }) => type === 'EQUITY_UPDATED');
    expect(updates).toHaveLength(1);
    for (const { body: update } of updates)
      expect(isFlatBodyOf(update.challenge_id as ChallengeId, update, JSON.stringify(update))).toBe(true);
  });

  it.each([
    ['a string that does not end', `{"challenge_id":"${'x'.repeat(16_000)}`],
    ['members that end in nothing', `${JSON.stringify(named).slice(0, -1)}${',"a":"b"'.repeat(2_000)}?`],
    ['numbers that end in nothing', `${JSON.stringify(named).slice(0, -1)},"a":${'1'.repeat(16_000)}?`],
    ['epochs and no sequence', `{"challenge_id":"x"${',"a":1,"epoch":1'.repeat(1_000)}`],
  ])('is found not to be one in no time: %s', (_, text) => {
    const beganMs = performance.now();
    for (let times = 0; times < 10; times += 1) expect(isFlat(text)).toBe(false);
    expect((performance.now() - beganMs) / 10).toBeLessThan(5);
  });
});
