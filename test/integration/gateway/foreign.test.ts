import { TcpProxy, java } from '@tradesense/local';

import { History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { ForeignClient, hasJavac, hasVenv, javaClient, python } from '../../support/foreign.js';
import { inRepository } from '../../support/repository.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

interface Said {
  readonly what: string;
  readonly sequence?: number;
  readonly recovered?: boolean;
  readonly transport?: string;
}

const INSTALL_MS = 120_000;
const WITHIN = { withinMs: 20_000 };

describe('clients that were not written here', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  let proxy: TcpProxy;
  const clients: ForeignClient[] = [];
  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    system = await System.start(ground, { services: ['gateway'] });
    proxy = new TcpProxy({ host: '127.0.0.1', port: system.gatewayPort });
    await proxy.start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end();
  });
  afterAll(async () => {
    await proxy?.stop();
    await system?.stop();
    await feed?.close();
    await ground?.close();
  });
  async function start(command: string, args: readonly string[], history: History): Promise<ForeignClient> {
    const client = new ForeignClient(command, args, await tokens.user(history.userId));
    clients.push(client);
    return client;
  }
  async function opened(): Promise<History> {
    const history = new History();
    await feed.publish(history.state());
    return history;
  }

  const title = 'python-socketio joins, receives, loses its connection and recovers';
  (hasVenv ? describe : describe.skip)(hasVenv ? title : `${title} (NOT RUN: python3-venv is not installed)`, () => {
    let command: string;
    beforeAll(async () => {
      command = await python();
    }, INSTALL_MS);

    it.each(['websocket', 'polling'])('by %s: each event once, in order, by its cursor', async (transport) => {
      const history = await opened();
      const script = inRepository('test/foreign/python/client.py');
      const url = `http://127.0.0.1:${proxy.port}`;
      const client = await start(command, [script, url, transport, history.challengeId], history);
      const said = (): readonly Said[] => client.lines.map((line) => JSON.parse(line) as Said);
      const handled = (): readonly number[] =>
        said().flatMap(({ what, sequence }) => (what === 'handled' ? [sequence as number] : []));
      const reaches = (sequence: number) =>
        until(handled, (sequences) => sequences.at(-1) === sequence, { ...WITHIN, what: `event ${sequence}` });

      await until(() => said().some(({ what }) => what === 'joined'), Boolean, WITHIN);
      await feed.trade(history, 5);
      await reaches(5);
      proxy.cut();
      await until(() => said().some(({ what }) => what === 'disconnected'), Boolean, WITHIN);
      await feed.trade(history, 5);
      await proxy.heal();
      await reaches(10);
      await feed.trade(history, 2);
      await reaches(12);

      expect(handled()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      expect(said().filter(({ what }) => ['gap', 'duplicate', 'error'].includes(what))).toEqual([]);
      const joins = said().filter(({ what }) => what === 'joined');
      expect(joins.map(({ recovered }) => recovered)).toEqual([false, true]);
      expect(said().find(({ what }) => what === 'connected')?.transport).toBe(transport);
    });
  });

  const smoke = 'socket.io-client for Java joins and receives';
  (hasJavac ? it : it.skip)(
    hasJavac ? smoke : `${smoke} (NOT RUN: this Java has no compiler)`,
    async () => {
      const history = await opened();
      const url = `http://127.0.0.1:${system.gatewayPort}`;
      const client = await start(java(), await javaClient(url, history.challengeId), history);
      await until(
        () => client.lines,
        (lines) => lines.includes('joined'),
        { withinMs: 30_000, what: 'it has joined' },
      );
      await feed.trade(history);
      expect(await client.ended).toBe(0);
      expect(client.lines).toContain('equity 10001.00');
    },
    INSTALL_MS,
  );
});
