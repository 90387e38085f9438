import { jest } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { inBytes, packetOf } from '../../../services/gateway/src/frame/index.js';
import {
  EnginePipe,
  type EngineConnection,
  type PipeListener,
} from '../../../services/gateway/src/transport/engine-pipe.js';
import { until } from '../../support/until.js';

/** The very engine.io that carries our connections, and the ws below it, found where they are. */
const atServer = createRequire(createRequire(import.meta.url).resolve('socket.io'));
const atEngine = createRequire(atServer.resolve('engine.io'));
interface Engine extends NodeJS.EventEmitter {
  attach(http: HttpServer): void;
  close(): void;
}
const { Server: EngineServer } = atServer('engine.io') as { Server: new (options: object) => Engine };

/** What the pipe and the test reach into. */
interface Insides {
  readonly writeBuffer: readonly unknown[];
  readonly transport: {
    readonly writable: boolean;
    readonly perMessageDeflate: unknown;
    readonly _onSentLast: unknown;
    readonly socket: {
      readonly extensions: string;
      readonly _sender: { readonly _state: number; readonly _queue: readonly unknown[]; readonly _socket: unknown };
      readonly _socket: NodeJS.WritableStream & { destroy(): void };
    };
  };
  send(text: string): void;
  sendPacket(type: string): void;
}

const message = (text: string) => packetOf(inBytes(`4${text}`));

describe("the pipe past engine.io's and ws's own way to write", () => {
  let http: HttpServer;
  let engine: Engine;
  let client: WebSocket;
  let pipe: EnginePipe;
  let insides: Insides;
  let heard: string[];
  let closed: string[];
  let events: string[];

  beforeEach(async () => {
    [heard, closed, events] = [[], [], []];
    http = createServer().listen(0, '127.0.0.1');
    engine = new EngineServer({ transports: ['websocket'], perMessageDeflate: false });
    engine.attach(http);
    await once(http, 'listening');
    engine.once('connection', (conn: EngineConnection) => {
      const listener: PipeListener = {
        mayWrite: () => true,
        wrote: (bytes) => events.push(`wrote ${bytes}`),
        pinged: () => events.push('pinged'),
        ponged: () => events.push('ponged'),
        received: () => undefined,
        message: () => undefined,
        overran: () => undefined,
        writable: () => events.push('writable'),
        closed: (reason) => closed.push(reason),
      };
      insides = conn as unknown as Insides;
      pipe = new EnginePipe(conn, listener);
    });
    const { port } = http.address() as AddressInfo;
    client = new WebSocket(`ws://127.0.0.1:${port}/engine.io/?EIO=4&transport=websocket`, { perMessageDeflate: true });
    client.on('message', (data: Buffer, isBinary) => heard.push(isBinary ? '(binary)' : data.toString()));
    client.on('error', () => undefined); // its close follows
    await until(() => heard.length === 1 && pipe.isWritable);
    heard.length = 0;
    events.length = 0;
  });
  afterEach(async () => {
    client.terminate();
    engine.close();
    http.close();
    await once(http, 'close');
  });

  it('was read in these versions; with others look again at what it relies on', () => {
    const versionOf = (require: NodeJS.Require, name: string, up: string): unknown =>
      (require(join(dirname(require.resolve(name)), up, 'package.json')) as { version: unknown }).version;
    expect(versionOf(atServer, 'engine.io', '..')).toBe('6.6.12');
    expect(versionOf(atEngine, 'ws', '.')).toBe('8.21.3');
  });

  it('finds ws idle and uncompressed, whatever the client offers', () => {
    const { transport } = insides;
    expect(transport).toMatchObject({ writable: true, _onSentLast: expect.any(Function) });
    expect(transport.perMessageDeflate).toBeFalsy();
    expect(transport.socket.extensions).toBe('');
    expect(transport.socket._sender).toMatchObject({ _state: 0, _queue: [] });
    expect(transport.socket._sender._socket).toBe(transport.socket._socket);
  });

  it('stays writable where the kernel took all at once', async () => {
    pipe.write([message('one')], false);
    expect(pipe.isWritable).toBe(true);
    pipe.write([message('two'), message('three')], false);
    await until(() => heard.length === 3);
    expect(heard).toEqual(['4one', '4two', '4three']);
    expect(events).toEqual(['wrote 6', 'wrote 14']);
  });

  it('sends a ping behind its messages in the same write, and stays writable', async () => {
    client.on('message', (data: Buffer) => {
      if (data.toString() === '2') client.send('3');
    });
    const writes = jest.spyOn(insides.transport.socket._socket, 'write');
    pipe.write([message('one'), message('two')], true);
    expect(writes).toHaveBeenCalledTimes(1);
    expect(pipe.isWritable).toBe(true);
    await until(() => events.includes('ponged'));
    expect(heard).toEqual(['4one', '4two', '2']);
    expect(events).toEqual(['wrote 12', 'pinged', 'ponged']);
  });

  it('is else not writable until what it wrote is gone, and then says so once', async () => {
    const length = 20_000_000;
    pipe.write([message('x'.repeat(length))], false);
    expect(pipe.isWritable).toBe(false);
    await until(() => pipe.isWritable);
    await until(() => heard.length === 1);
    expect(heard[0]).toHaveLength(length + 1);
    expect(events.filter((event) => event === 'writable')).toHaveLength(1);
  });

  it("keeps the order with engine.io's own messages and pings, which are waited for", async () => {
    for (let round = 0; round < 50; round += 1) {
      await until(() => pipe.isWritable);
      pipe.write([message(`ours ${round}`)], false);
      insides.sendPacket('ping');
      insides.send(`theirs ${round}`);
      expect(pipe.isWritable).toBe(false);
    }
    await until(() => heard.length === 150);
    const expected = Array.from({ length: 50 }, (_, round) => [`4ours ${round}`, '2', `4theirs ${round}`]).flat();
    expect(heard).toEqual(expected);
  });

  it('carries any size and any text whole', async () => {
    const texts = ['é🙂', 'x'.repeat(20_000), '金'.repeat(30_000), 'y'.repeat(2_000_000), 'z'];
    for (const text of texts) {
      await until(() => pipe.isWritable);
      pipe.write([message(text)], false);
    }
    await until(() => heard.length === texts.length);
    expect(heard.every((text, index) => text === `4${texts[index]}`)).toBe(true);
  });

  it('holds everything back while the peer does not read', async () => {
    client.pause();
    const large = message('x'.repeat(1_000_000));
    for (let count = 0; pipe.isWritable; count += 1) {
      expect(count).toBeLessThan(100);
      pipe.write([large], false);
      await turn(); // what the kernel takes at once is gone by then
    }
    insides.send('behind');
    const before = events.filter((event) => event === 'writable').length;
    client.resume();
    await until(() => heard.at(-1) === '4behind');
    await until(() => pipe.isWritable);
    expect(events.filter((event) => event === 'writable').length).toBeGreaterThan(before);
  });

  it('lets what was written go out before a close', async () => {
    pipe.write([message('x'.repeat(1_000_000))], false);
    pipe.close();
    await until(() => client.readyState === WebSocket.CLOSED);
    expect(heard.map(({ length }) => length)).toEqual([1_000_001]);
    expect(closed).toEqual(['forced close']);
  });

  it('takes a failed write for the end of the connection, once', async () => {
    insides.transport.socket._socket.destroy();
    if (pipe.isWritable) pipe.write([message('into the void')], false);
    await until(() => closed.length > 0);
    expect(closed).toEqual([expect.stringMatching(/^transport (error|close)$/)]);
    expect(pipe.isOpen).toBe(false);
  });
});
