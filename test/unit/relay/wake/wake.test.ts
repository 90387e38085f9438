import { Wake } from '../../../../services/relay/src/wake/index.js';
import { within } from '../../../support/until.js';

const LONG_MS = 60_000;
const never = new AbortController().signal;

describe('a wake', () => {
  it('ends a wait that is on', async () => {
    const wake = new Wake();
    const waiting = wake.orAfter(LONG_MS, never);
    wake.now();
    await within(1_000, 'the wait', waiting);
  });

  it('that comes while nobody waits, because a read is running, is kept for the next wait', async () => {
    const wake = new Wake();
    wake.now();
    await within(1_000, 'the wait', wake.orAfter(LONG_MS, never));
  });

  it('is taken by one wait, however often it came', async () => {
    const wake = new Wake();
    wake.now();
    wake.now();
    await wake.orAfter(LONG_MS, never);
    await expect(within(20, 'the second wait', wake.orAfter(LONG_MS, AbortSignal.timeout(200)))).rejects.toThrow(
      'not within',
    );
  });

  it('is waited for no longer than the time given, nor after the end', async () => {
    const wake = new Wake();
    await within(1_000, 'the time', wake.orAfter(5, never));
    const end = new AbortController();
    const waiting = wake.orAfter(LONG_MS, end.signal);
    end.abort();
    await within(1_000, 'the end', waiting);
    await within(1_000, 'a wait after the end', wake.orAfter(LONG_MS, end.signal));
  });
});
