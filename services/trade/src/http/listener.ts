import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { TokenVerifier } from '@tradesense/auth';
import type { Logger, Metrics, Part } from '@tradesense/platform';
import type { FastifyContextConfig, FastifyInstance, FastifyReply } from 'fastify';

import { BodyPipe } from './body.pipe.js';
import { admitCallers } from './callers.js';
import { describeApi, serveDescription } from './description/index.js';
import { allowReading } from './cors.js';
import { countRequests } from './request-metrics.js';
import { ProblemError, problemOf, refusedWith } from './problem.js';
import { ProblemFilter, answerProblem } from './problem.filter.js';
import { RateLimits, type RateLimitRules } from './rate-limit.js';
import { refuseUnrouted } from './unrouted.js';
import { parseStrictly } from './strict-json.js';

const BODY_BYTES = 64 * 1024;
const REQUEST_MS = 30_000;
/** Longer than load balancers keep idle connections, so that they close first. */
const KEEP_ALIVE_MS = 72_000;
/** Nothing here is a page or may be kept; what differs says so itself. HTTPS is promised by whoever ends TLS in front. */
const ALWAYS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  readonly verifier: Pick<TokenVerifier, 'verify'>;
  readonly rateLimits: RateLimitRules;
  /** The wiring: Nest's module. */
  readonly module: Parameters<typeof NestFactory.create>[0];
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The HTTP listener: Nest on Fastify, where every refusal, also the parser's and the router's, is a problem document. */
export class HttpListener implements Part {
  readonly name = 'http';
  #app: NestFastifyApplication | undefined;
  #isStopping = false;

  constructor(private readonly options: ListenerOptions) {}

  async start(): Promise<void> {
    const { host, port, log, module } = this.options;
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter(), {
      bodyParser: false,
      logger: false,
      abortOnError: false,
    });
    this.#app = app;
    app.useGlobalPipes(new BodyPipe());
    app.useGlobalFilters(new ProblemFilter(log));
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    this.#prepare(fastify);
    serveDescription(fastify, describeApi(app));
    await app.listen(port, host);
    const address = app.getHttpServer().address() as AddressInfo;
    log.info({ port: address.port }, 'listening');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#app?.close();
  }

  #prepare(fastify: FastifyInstance): void {
    const { allowedOrigins, metrics, verifier, rateLimits } = this.options;
    countRequests(fastify, metrics);
    fastify.addHook('onRequest', (request, reply, done) => {
      void reply.headers({ ...ALWAYS, 'x-request-id': request.id });
      done();
    });
    // A connection that is busy when the stop begins would else stay open after its answer, and the stop wait for it.
    fastify.addHook('onSend', (_request, reply, payload, done) => {
      if (this.#isStopping) void reply.header('connection', 'close');
      done(null, payload);
    });
    fastify.addHook('onRoute', (route) => {
      const bytes = (route.config as FastifyContextConfig | undefined)?.bodyBytes;
      if (bytes !== undefined) route.bodyLimit = bytes;
    });
    allowReading(fastify, allowedOrigins);
    refuseUnrouted(fastify);
    admitCallers(fastify, verifier, new RateLimits(rateLimits));
    fastify.removeAllContentTypeParsers(); // text/plain is one of them
    fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      try {
        if (!isUtf8(request.headers['content-type'])) throw new ProblemError('unsupported-media-type');
        done(null, parseStrictly(body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    });
  }
}

const isUtf8 = (contentType = ''): boolean => {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
};

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

function adapter(): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // what arrives on an open connection meanwhile is still answered
    genReqId: ({ headers }: IncomingMessage) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error: unknown, _request: unknown, reply: FastifyReply) => answerProblem(reply, problemOf(error)),
    // Not even a request: no reply object exists yet.
    clientErrorHandler: (_error: unknown, socket: Socket) => {
      if (!socket.writable) return void socket.destroy();
      const requestId = randomUUID();
      const { body } = refusedWith(new ProblemError('invalid-request', { detail: 'This is not HTTP.' }), requestId);
      const text = JSON.stringify(body);
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nx-request-id: ${requestId}\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
    },
  });
}
