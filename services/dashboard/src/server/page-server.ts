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

/** The one style element of lightweight-charts 5.2.1, which places the logo that its licence asks for. */
const CHART_STYLE = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='";

/** Browsers reach the gateway by WebSocket and, where that is blocked, by polling. */
function reachable(gatewayUrl: string): readonly string[] {
  const { protocol, host } = new URL(gatewayUrl);
  const secure = protocol === 'wss:' || protocol === 'https:' ? 's' : '';
  return [`ws${secure}://${host}`, `http${secure}://${host}`];
}

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
          styleSrc: ["'self'", CHART_STYLE],
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
    void this.#server.register(fastifyStatic, { root: folder, cacheControl: false, setHeaders: keep });
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
function keep(reply: { header(name: string, value: string): unknown }, path: string): void {
  reply.header('cache-control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
}
