import type { FastifyInstance } from 'fastify';

import { ProblemError } from './problem.js';
import { answerProblem } from './problem.filter.js';

/** 404, or 405 with `Allow` where the path is served by other methods: Fastify itself says 404 to both. */
export function refuseUnrouted(fastify: FastifyInstance): void {
  const routes: { readonly methods: readonly string[]; readonly path: RegExp }[] = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    const path = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+')}$`);
    routes.push({ methods: [method].flat(), path });
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const [path = ''] = request.url.split('?', 1);
    const allowed = [...new Set(routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods))];
    answerProblem(
      reply,
      allowed.length === 0
        ? new ProblemError('not-found')
        : new ProblemError('method-not-allowed', { headers: { allow: allowed.join(', ') } }),
    );
  });
}
