import { Lifecycle, createLogger, type Part } from '@tradesense/platform';

const lines: string[] = [];
const log = createLogger({
  service: 'x',
  instance: 'x-1',
  level: 'info',
  destination: { write: (line: string) => void lines.push(line) },
});

/** Parts that write down what is done to them. */
function recording(): { done: string[]; part: (name: string, more?: Partial<Part>) => Part } {
  const done: string[] = [];
  const part = (name: string, more: Partial<Part> = {}): Part => ({
    name,
    async start() {
      await more.start?.();
      done.push(`start ${name}`);
    },
    async stop() {
      await more.stop?.();
      done.push(`stop ${name}`);
    },
  });
  return { done, part };
}

describe('the life of a service', () => {
  it('starts its parts in order and stops them in reverse', async () => {
    const { done, part } = recording();
    const lifecycle = new Lifecycle(log);
    await lifecycle.start([part('a'), part('b'), part('c')]);
    expect(lifecycle.isStopping).toBe(false);
    await lifecycle.stop();
    expect(done).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('stops each part once, also for fifty who ask at the same time, and one more later', async () => {
    const { done, part } = recording();
    const lifecycle = new Lifecycle(log);
    await lifecycle.start([part('a'), part('b')]);
    await Promise.all(Array.from({ length: 50 }, () => lifecycle.stop()));
    await lifecycle.stop();
    expect(done.filter((act) => act.startsWith('stop'))).toEqual(['stop b', 'stop a']);
  });

  it('starts nothing after a stop', async () => {
    const { done, part } = recording();
    const lifecycle = new Lifecycle(log);
    await lifecycle.stop();
    await lifecycle.start([part('a')]);
    expect(done).toEqual([]);
  });

  it('is stopped while a part is starting: the later ones stay down, that one is stopped too', async () => {
    const { done, part } = recording();
    const lifecycle = new Lifecycle(log);
    let finish = (): void => undefined;
    const slow = part('slow', { start: () => new Promise<void>((resolve) => (finish = resolve)) });
    const starting = lifecycle.start([part('a'), slow, part('later')]);
    await new Promise(setImmediate);
    await lifecycle.stop();
    finish();
    await starting;
    expect(done).toEqual(['start a', 'stop slow', 'stop a', 'start slow', 'stop slow']);
  });

  it('stops what has started when a part fails to, that part included', async () => {
    const { done, part } = recording();
    const lifecycle = new Lifecycle(log);
    const failing = part('failing', { start: () => Promise.reject(new Error('no database')) });
    await expect(lifecycle.start([part('a'), failing, part('later')])).rejects.toThrow('no database');
    await lifecycle.stop();
    expect(done).toEqual(['start a', 'stop failing', 'stop a']);
  });

  it.each([
    ['fails to stop', () => Promise.reject(new Error('stuck'))],
    [
      'throws at once',
      () => {
        throw new Error('stuck');
      },
    ],
  ])('lets the others stop when one %s, and says which', async (_how, stop) => {
    const { done, part } = recording();
    const lifecycle = new Lifecycle(log);
    lines.length = 0;
    await lifecycle.start([part('a'), { ...part('odd'), stop }, part('c')]);
    await lifecycle.stop();
    expect(done).toEqual(['start a', 'start odd', 'start c', 'stop c', 'stop a']);
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({ level: 'warn', part: 'odd', err: { message: 'stuck' } });
  });
});
