import { until, within } from '../../support/until.js';

describe('until', () => {
  it('returns the value that satisfied it', async () => {
    let value = 0;
    await expect(
      until(
        () => (value += 1),
        (seen) => seen >= 3,
        { everyMs: 1 },
      ),
    ).resolves.toBe(3);
  });

  it('shows the last value when its time is over', async () => {
    const never = until(
      () => ({ cursor: 11 }),
      () => false,
      { withinMs: 20, everyMs: 5, what: 'cursor 12' },
    );
    await expect(never).rejects.toThrow(/20 ms: cursor 12\nlast value: { cursor: 11 }/);
  });

  it('asks again after an exception, and shows the last one', async () => {
    const read = () => {
      throw new Error('connection refused');
    };
    await expect(until(read, Boolean, { withinMs: 20, everyMs: 5 })).rejects.toThrow(/exception: connection refused/);
  });
});

describe('within', () => {
  it('rejects by name when the promise does not settle, and passes on what it settles with', async () => {
    await expect(within(10, 'the exit', new Promise(() => undefined))).rejects.toThrow('not within 10 ms: the exit');
    await expect(within(1_000, 'the exit', Promise.resolve(7))).resolves.toBe(7);
    await expect(within(1_000, 'the exit', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
