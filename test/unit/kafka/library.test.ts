import { createRequire } from 'node:module';

import { RETRY, assertVersion, clientConfig } from '../../../libs/kafka/src/kafkajs/library.js';
import { Link } from '../../../libs/kafka/src/kafkajs/link.js';
import { StubCluster } from '../../support/stub-cluster.js';

const require = createRequire(import.meta.url);

interface Queue {
  throttleCheckTimeoutId: unknown;
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
  push(request: unknown): void;
}
const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as new (options: object) => Queue;
const logger = { debug: () => undefined };
const newQueue = (): Queue =>
  new RequestQueue({ requestTimeout: 1_000, enforceRequestTimeout: false, clientId: 'test', broker: 'b', logger });

describe('what we take from kafkajs', () => {
  it('is of the one version whose private parts we know', () => {
    expect(() => assertVersion('2.2.4')).not.toThrow();
    expect(() => assertVersion('2.2.5')).toThrow(/kafkajs is 2\.2\.5/);
  });

  it('gets every field of retrying, or NODE_ENV would choose (pitfall K6)', () => {
    const defaults = require('kafkajs/src/retry/defaults.js') as object;
    const defaultsOfTests = require('kafkajs/src/retry/defaults.test.js') as object;
    const fields = new Set([...Object.keys(defaults), ...Object.keys(defaultsOfTests)]);
    const { retry } = clientConfig(
      { brokers: ['localhost:1'], clientId: 'test' },
      { requestMs: 1, socketFactory: () => undefined as never, log: undefined },
    );
    expect(retry).toBe(RETRY);
    expect(Object.keys(RETRY).sort()).toEqual([...fields].sort());
  });

  it('arms no timer while no request waits (pitfall K7)', () => {
    const queue = newQueue();
    queue.checkPendingRequests();
    queue.throttledUntil = Date.now() + 50;
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('sends what waited when a throttle ends (pitfall K7)', async () => {
    const queue = newQueue();
    const throttleMs = 80;
    queue.throttledUntil = Date.now() + throttleMs;
    const before = performance.now();
    await new Promise<void>((sent) =>
      queue.push({ entry: { correlationId: 1 }, expectResponse: true, sendRequest: () => sent() }),
    );
    expect(performance.now() - before).toBeGreaterThan(throttleMs - 10);
    expect(performance.now() - before).toBeLessThan(throttleMs + 500);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('keeps an idle connection without any timer', async () => {
    const cluster = await StubCluster.start(1, {});
    const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
    const before = timers();
    const [host = '', port] = cluster.brokers[0]?.split(':') ?? [];
    const link = new Link({ brokers: cluster.brokers, clientId: 'test' }, { host, port: Number(port) }, 1_000);
    await link.open([]);
    expect(link.isOpen).toBe(true);
    expect(timers()).toBeLessThanOrEqual(before);
    link.close();
    await cluster.stop();
  });
});
