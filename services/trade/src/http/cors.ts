import type { FastifyInstance } from 'fastify';

const READING = 'GET, HEAD';
const SENDABLE = 'authorization, x-request-id';
const READABLE = 'x-request-id, retry-after';
const REMEMBERED_S = '600';

/** Pages of the listed origins may read, and nothing else: trades are posted by services, which have no origin. */
export function allowReading(fastify: FastifyInstance, origins: readonly string[]): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('vary', 'origin');
    const { origin, 'access-control-request-method': wanted } = request.headers;
    if (origin === undefined || !origins.includes(origin)) return done();
    void reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', READABLE);
    if (request.method !== 'OPTIONS' || wanted === undefined) return done();
    void reply
      .code(204)
      .header('access-control-allow-methods', READING)
      .header('access-control-allow-headers', SENDABLE)
      .header('access-control-max-age', REMEMBERED_S)
      .send();
  });
}
