import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger, Part } from '@tradesense/platform';

import { GatewayModule } from './gateway.module.js';
import { NotHereFilter, SocketAdapter, answerProblem, type ProblemReply, type Connections } from './transport/index.js';

export interface SocketsOptions {
  readonly host: string;
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  readonly maxMessageBytes: number;
  readonly drainMs: number;
  readonly connections: Connections;
  readonly log: Logger;
}

const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
/** Who comes back in a storm waits here, not for the second after which TCP would ask again. */
const BACKLOG = 4_096;
/** How often Node.js looks whether either is over. */
const CHECK_MS = 1_000;

/** The listener: Nest around socket.io, opened last and drained first. */
export class Sockets implements Part {
  readonly name = 'sockets';
  #app: NestFastifyApplication | undefined;
  #http: Server | undefined;

  constructor(private readonly options: SocketsOptions) {}

  async start(): Promise<void> {
    const { connections, log } = this.options;
    const fastify = new FastifyAdapter({
      requestTimeout: REQUEST_MS,
      http: { connectionsCheckingInterval: CHECK_MS },
      frameworkErrors: (_error: unknown, _request: unknown, reply: unknown) =>
        answerProblem(reply as ProblemReply, 'not-found'),
    });
    this.#app = await NestFactory.create<NestFastifyApplication>(GatewayModule.of(connections), fastify, {
      logger: false,
      abortOnError: false,
    });
    const http = this.#app.getHttpServer() as Server;
    http.headersTimeout = HEADERS_MS;
    this.#app.useWebSocketAdapter(new SocketAdapter(http, this.options));
    this.#app.useGlobalFilters(new NotHereFilter());
    await this.#app.init();
    await fastify.getInstance().ready();
    this.#http = http;
    await this.#listen(http);
    const { port } = http.address() as AddressInfo;
    log.info({ port }, 'listening');
  }

  async stop(): Promise<void> {
    const { connections, drainMs } = this.options;
    this.#http?.close();
    await connections.drain(drainMs);
    connections.stop();
    await this.#app?.close();
  }

  /** Not by Fastify, which for some names listens with a second server, without sockets. */
  async #listen(http: Server): Promise<void> {
    const { host, port } = this.options;
    try {
      await listening(http, host, port);
    } catch (error) {
      const hasNoIPv6 = host === '::' && (error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT';
      if (!hasNoIPv6) throw error;
      await listening(http, '0.0.0.0', port);
    }
  }
}

function listening(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host, port, backlog: BACKLOG }, () => {
      http.off('error', reject);
      resolve();
    });
  });
}
