import { createLogger } from '@tradesense/platform';

import { Wake } from '../../../../services/trade/src/commit/wake.js';

const log = createLogger({ service: 'trade', instance: 'test', level: 'silent' });

/** A line whose answers the test gives. */
class Line {
  readonly sent: string[] = [];
  readonly #answers: { resolve(): void; reject(error: Error): void }[] = [];

  send(text: string): Promise<void> {
    this.sent.push(text);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }
  async answers(error?: Error): Promise<void> {
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error('nothing is in flight');
    if (error === undefined) answer.resolve();
    else answer.reject(error);
    await new Promise(setImmediate);
  }
}

describe('a wake', () => {
  it('has one notification in flight, and one more for all that rang meanwhile', async () => {
    const line = new Line();
    const wake = new Wake(line, log);
    for (let ring = 0; ring < 100; ring += 1) wake.ring();
    expect(line.sent).toEqual(['notify tradesense_outbox']);
    await line.answers();
    expect(line.sent).toHaveLength(2);
    await line.answers();
    expect(line.sent).toHaveLength(2);
    wake.ring();
    expect(line.sent).toHaveLength(3);
  });

  it('that is lost is no matter, and the next one is sent', async () => {
    const line = new Line();
    const wake = new Wake(line, log);
    wake.ring();
    wake.ring();
    await line.answers(new Error('not connected'));
    expect(line.sent).toHaveLength(2);
    await line.answers(new Error('not connected'));
    wake.ring();
    expect(line.sent).toHaveLength(3);
  });
});
