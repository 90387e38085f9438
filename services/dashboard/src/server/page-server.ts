import type { AddressInfo } from 'node:net';

import fastifyHelmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { Logger, Part } from '@tradesense/platform';
import fastify, { type FastifyInstance } from 'fastify';

export interface PageOptions {
  readonly host: string;
  readonly port: number;
  /** Folder of the built page. */
  readonly folder: string;
  readonly gatewayUrl: string;
  readonly tradeUrl: string;
  readonly log: Logger;
}

/** Browsers reach the gateway by WebSocket and, where that is blocked, by polling. */
const reachable = (gatewayUrl: string): readonly string[] =>
  [gatewayUrl, gatewayUrl.replace(/^ws/, 'http')].map((address) =>
    new URL(address).origin === 'null' ? new URL(address).href.replace(/\/$/, '') : new URL(address).origin,
  );

/** Serves the built page under a strict content policy, and tells it where gateway and trade API are. */
export class PageServer implements Part {
  readonly name = 'page server';
  readonly #server: FastifyInstance;

  constructor(private readonly options: PageOptions) {
    this.#server = fastify({ logger: false });
    const { folder, gatewayUrl, tradeUrl } = options;
    void this.#server.register(fastifyHelmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'", "'unsafe-inline'"], // the chart sets style attributes
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'"],
          connectSrc: ["'self'", ...reachable(gatewayUrl), new URL(tradeUrl).origin],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      strictTransportSecurity: false, // whoever ends TLS in front of this says so
      referrerPolicy: { policy: 'no-referrer' },
    });
    void this.#server.register(fastifyStatic, { root: folder, maxAge: '1h', setHeaders: neverKeepPages });
    this.#server.get('/config.json', (_request, reply) =>
      reply.header('cache-control', 'no-store').send({ gatewayUrl, tradeUrl }),
    );
  }

  async start(): Promise<void> {
    const { host, port, log } = this.options;
    await this.#server.listen({ host, port });
    log.info({ port: (this.#server.server.address() as AddressInfo).port }, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.server.closeAllConnections();
    await this.#server.close();
  }
}

/** Assets carry a hash in their name; the page that names them does not. */
function neverKeepPages(reply: { header(name: string, value: string): unknown }, path: string): void {
  if (path.endsWith('.html')) reply.header('cache-control', 'no-cache');
}
