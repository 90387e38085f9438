import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const API = { metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 } as const;
const OFFERED = [
  [API.metadata, 4],
  [API.saslHandshake, 1],
  [API.apiVersions, 0],
  [API.saslAuthenticate, 0],
] as const;

/**
 * A broker that logs everybody in by SCRAM without knowing any password: it can't prove that it does, and who takes it for Kafka
 * anyway hands it records.
 */
export class Impostor {
  /** The kinds of request it was asked, in order. */
  readonly asked: number[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Impostor> {
    const server = createServer();
    const impostor = new Impostor(server);
    server.on('connection', (socket) => impostor.#serve(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return impostor;
  }

  get broker(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket.on('error', () => undefined));
    let unread = Buffer.alloc(0);
    socket.on('data', (data) => {
      unread = Buffer.concat([unread, data]);
      while (unread.length >= 4 && unread.length >= 4 + unread.readInt32BE(0)) {
        const request = unread.subarray(4, 4 + unread.readInt32BE(0));
        unread = unread.subarray(4 + request.length);
        const answer = this.#answer(request);
        if (answer === undefined) return void socket.destroy();
        socket.write(Buffer.concat([int32(4 + answer.length), request.subarray(4, 8), answer]));
      }
    });
  }

  #answer(request: Buffer): Buffer | undefined {
    const api = request.readInt16BE(0);
    this.asked.push(api);
    const body = request.subarray(10 + Math.max(0, request.readInt16BE(8)));
    if (api === API.apiVersions)
      return Buffer.concat([
        int16(0),
        int32(OFFERED.length),
        ...OFFERED.map(([key, version]) => Buffer.concat([int16(key), int16(version), int16(version)])),
      ]);
    if (api === API.saslHandshake) return Buffer.concat([int16(0), int32(1), int16(13), Buffer.from('SCRAM-SHA-256')]);
    if (api !== API.saslAuthenticate) return undefined;
    const said = scramAnswer(body.subarray(4).toString());
    return Buffer.concat([int16(0), int16(-1), int32(said.length), Buffer.from(said)]);
  }
}

/** Salt and nonce for the first message, a signature out of the air for the last one. */
function scramAnswer(message: string): string {
  const nonce = /^n,,.*,r=(.+)$/.exec(message)?.[1];
  return nonce === undefined
    ? `v=${randomBytes(32).toString('base64')}`
    : `r=${nonce}${randomBytes(8).toString('hex')},s=${randomBytes(16).toString('base64')},i=4096`;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
