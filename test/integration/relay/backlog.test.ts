import { percentile } from '../../bench/figures.js';
import { backlog } from '../../soak/scenario/backlog.js';
import { openStack, type OwnGround } from '../../support/stack.js';

const ROWS = 60_000;

describe('a backlog that a relay finds when it starts', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground?.close());

  it('drains whole and in order, within 150 MB, and the event loop stays free (K8)', async () => {
    const { verdict, samples } = await backlog(ground, ROWS);
    expect(verdict).toEqual({ committed: ROWS / 2, stored: ROWS / 2, repeats: 0, breaches: [] });
    expect(Math.max(...samples.map(({ rssMb }) => rssMb))).toBeLessThan(150);
    // Half of the intervals: in the others the machine may have been busy with something else.
    const loopMs = samples.slice(1).map(({ loopP99Ms }) => loopP99Ms);
    expect(percentile(loopMs, 0.5)).toBeLessThan(50);
  }, 60_000);
});
