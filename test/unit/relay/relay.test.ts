import { createLogger, createMetrics, systemClock, type Part } from '@tradesense/platform';

import { relayMetrics } from '../../../services/relay/src/metrics.js';
import { Relay } from '../../../services/relay/src/relay.js';
import { Wake, WakeListener } from '../../../services/relay/src/wake/index.js';
import { until, within } from '../../support/until.js';

/** Nobody listens there. */
const NOWHERE = 'postgres://relay:relay@127.0.0.1:1/tradesense';

function given() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) };
  const log = createLogger({ service: 'x', instance: 'x', level: 'info', destination });
  const failures: unknown[] = [];
  const notYet = (): never => {
    throw new Error('Kafka is not asked before PostgreSQL');
  };
  const wake = new Wake();
  const relay: Relay = new Relay({
    databaseUrl: NOWHERE,
    topicPrefix: 'x.',
    leaseMs: 1_000,
    saveMs: 100,
    watermarkMs: 100,
    parkPerMinute: 3,
    retentionMs: 1_000,
    stateGuardMs: 1_000,
    stateSweepMs: 1_000,
    closedStateMs: 1_000,
    connectAdmin: notYet,
    connectPublisher: notYet,
    openReader: notYet,
    wake,
    housekeeper: { run: () => Promise.resolve() },
    metrics: relayMetrics(createMetrics('relay'), () => relay.leadership),
    clock: systemClock,
    log,
    nextDelayMs: () => 5,
    fail: (error) => failures.push(error),
  });
  return { relay, listener: new WakeListener({ url: NOWHERE, wake, clock: systemClock, log }), lines, failures };
}

describe('a relay without PostgreSQL', () => {
  it('goes on trying, says so in its readiness and once in its log, and does not fail', async () => {
    const { relay, lines, failures } = given();
    expect(relay.finding).toEqual({ ok: false, detail: 'connecting' });
    relay.start();
    const { detail } = await until(
      () => relay.finding,
      ({ detail: said }) => said !== 'connecting',
    );
    expect(detail).toMatch(/^PostgreSQL: .*ECONNREFUSED/);
    await new Promise((resolve) => setTimeout(resolve, 100)); // about twenty tries
    await relay.stop();
    expect([lines, failures, relay.leadership]).toEqual([['waiting'], [], undefined]);
  });

  it.each(['relay', 'listener'] as const)(
    'survives fifty starts and stops at once, and a stop before the start: %s',
    async (which) => {
      const part: Part = given()[which];
      await part.stop();
      const fresh: Part = given()[which];
      const acts = Array.from({ length: 100 }, (_, index) =>
        Promise.resolve(index % 2 === 0 ? fresh.start() : fresh.stop()),
      );
      await within(4_000, 'all of it', Promise.all(acts));
      await fresh.stop();
    },
  );
});
