import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { RETRY, assertVersion, clientConfig, rawConnection } from '../../../libs/kafka/src/kafkajs/library.js';
import { Link } from '../../../libs/kafka/src/kafkajs/link.js';
import { StubCluster } from '../../support/stub-cluster.js';
import { within } from '../../support/until.js';

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

  describe('begins afresh on a new connection (pitfall K18)', () => {
    /** A broker whose n-th connection answers each request with `answers[n]` and is gone after a broken one. */
    async function given(answers: readonly Buffer[], isGone: (answer: Buffer) => boolean) {
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        const answer = answers[sockets.push(socket) - 1]!;
        socket.on('error', () => undefined);
        socket.on('data', () => socket.write(answer, () => (isGone(answer) ? socket.resetAndDestroy() : undefined)));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const connection = rawConnection({
        host: '127.0.0.1',
        port,
        clientId: 'test',
        connectionTimeout: 1_000,
        requestTimeout: 1_000,
        enforceRequestTimeout: false,
        socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port }, onConnect),
      });
      const ask = async (): Promise<string> => {
        await connection.connect();
        const request = { apiKey: 18, apiName: 'ApiVersions', apiVersion: 0, isForAll: true, body: Buffer.alloc(0) };
        return String(await connection.ask(request));
      };
      const stop = () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      };
      return { ask, stop };
    }
    /** The answer to request `correlationId`: length, number, payload. */
    const answer = (correlationId: number, payload: string): Buffer => {
      const head = Buffer.alloc(8);
      head.writeInt32BE(4 + payload.length, 0);
      head.writeInt32BE(correlationId, 4);
      return Buffer.concat([head, Buffer.from(payload)]);
    };
    const whole = answer(0, 'the answer of the first connection');

    it.each([2, 6, 20])('after one that broke %i bytes into an answer', async (bytes) => {
      const broken = whole.subarray(0, bytes);
      const { ask, stop } = await given([broken, answer(1, 'whole')], (sent) => sent === broken);
      await expect(within(2_000, 'the end of the first', ask())).rejects.toThrow(/onnection/);
      await expect(within(2_000, 'an answer', ask())).resolves.toBe('whole');
      stop();
    });

    it('and ends one whose bytes make no sense, instead of the process', async () => {
      const senseless = Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8]);
      const { ask, stop } = await given([senseless, answer(1, 'whole')], () => false);
      await expect(within(2_000, 'the end of the first', ask())).rejects.toThrow(/onnection/);
      await expect(within(2_000, 'an answer', ask())).resolves.toBe('whole');
      stop();
    });
  });
});
