import type { Server as HttpServer } from 'node:http';

import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';

/** Every value that matters is set, and tested: the defaults serve other needs (pitfall S17). */
const OPTIONS: Partial<ServerOptions> = {
  transports: ['polling', 'websocket'],
  pingInterval: 10_000,
  pingTimeout: 5_000,
  maxHttpBufferSize: 16 * 1024,
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
    private readonly allowedOrigins: readonly string[],
  ) {
    super(http);
    http.on('connection', (socket) => socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS));
  }

  override createIOServer(port: number, options?: Partial<ServerOptions>): Server {
    // For polling pages; WebSocket knows no CORS, there the door alone decides.
    const cors = { origin: [...this.allowedOrigins], methods: ['GET', 'POST'] };
    return super.createIOServer(port, { ...options, ...OPTIONS, cors } as ServerOptions) as Server;
  }

  /** Connections were closed by then; what is left of HTTP goes with its server. */
  override async close(server: Server): Promise<void> {
    server.engine.close();
    this.http.closeAllConnections();
    await Promise.resolve();
  }
}
