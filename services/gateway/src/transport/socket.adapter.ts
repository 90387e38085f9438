import type { Server as HttpServer } from 'node:http';

import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';

export interface SocketAdapterOptions {
  readonly allowedOrigins: readonly string[];
  /** Of one message; 0 is no limit. */
  readonly maxMessageBytes: number;
}

/** Every value that matters is set, and tested: the defaults serve other needs (pitfall S17). */
const OPTIONS: Partial<ServerOptions> = {
  transports: ['polling', 'websocket'],
  pingInterval: 10_000,
  pingTimeout: 5_000,
  connectTimeout: 5_000,
  upgradeTimeout: 5_000,
  allowEIO3: false,
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  cleanupEmptyChildNamespaces: true,
};
const KEEP_ALIVE_MS = 30_000;

/** How Nest makes its socket.io server here. */
export class SocketAdapter extends IoAdapter {
  constructor(
    private readonly http: HttpServer,
    private readonly options: SocketAdapterOptions,
  ) {
    super(http);
    http.on('connection', (socket) => socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS));
  }

  override createIOServer(port: number, options?: Partial<ServerOptions>): Server {
    // For polling pages; WebSocket knows no CORS, there the door alone decides.
    const { allowedOrigins, maxMessageBytes } = this.options;
    const cors = { origin: [...allowedOrigins], methods: ['GET', 'POST'] };
    const maxHttpBufferSize = maxMessageBytes === 0 ? Infinity : maxMessageBytes;
    return super.createIOServer(port, { ...options, ...OPTIONS, cors, maxHttpBufferSize } as ServerOptions) as Server;
  }

  /** Nest has no handlers here, and would keep streams for them per socket: more memory than all of ours. */
  override bindMessageHandlers(): void {}
  override bindClientDisconnect(): void {}

  /** Connections were closed by then; what is left of HTTP goes with its server. */
  override async close(server: Server): Promise<void> {
    server.engine.close();
    this.http.closeAllConnections();
    await Promise.resolve();
  }
}
