import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Health } from '../health/index.js';
import type { Logger } from '../logging/index.js';
import type { Registry } from '../metrics/index.js';

export interface AdminOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
  /** Told the port once it listens. */
  readonly log?: Logger;
}

/** The admin listener: `/livez` (the loop turns), `/readyz` (200 or 503 and what is wrong), `/metrics`. */
export class AdminListener {
  readonly #server: Server;

  constructor(private readonly options: AdminOptions) {
    this.#server = createServer((request, response) => {
      const answer = (status: number, type: string, body: string): void => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
      };
      const { pathname } = new URL(request.url ?? '/', 'http://admin');
      if (request.method !== 'GET') answer(405, 'text/plain', 'only GET\n');
      else if (pathname === '/livez') answer(200, 'text/plain', 'ok\n');
      else if (pathname === '/readyz') {
        const report = options.health.report();
        answer(report.ok ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`);
      } else if (pathname === '/metrics') {
        options.registry.metrics().then(
          (metrics) => answer(200, options.registry.contentType, metrics),
          () => answer(500, 'text/plain', 'metrics could not be collected\n'),
        );
      } else answer(404, 'text/plain', 'not here: try /livez, /readyz, /metrics\n');
    });
    this.#server.headersTimeout = 5_000;
    this.#server.requestTimeout = 10_000;
  }

  start(): Promise<void> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.options.log?.info({ port: this.port }, 'admin listening');
        resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
