import type { Metrics } from '@tradesense/platform';
import type { FastifyInstance } from 'fastify';

/** Requests by route and status. The route is its pattern: a raw path would be a new series for each challenge (pitfall X6). */
export function countRequests(fastify: FastifyInstance, metrics: Metrics): void {
  const requests = metrics.counter({
    name: 'requests_total',
    help: 'HTTP requests answered.',
    labels: ['method', 'route', 'status'],
  });
  const seconds = metrics.histogram({ name: 'request_seconds', help: 'From request to answer.', labels: ['route'] });
  fastify.addHook('onResponse', ({ method, is404, routeOptions }, { statusCode, elapsedTime }, done) => {
    const route = is404 ? 'none' : (routeOptions.url ?? 'none');
    requests.inc({ method: is404 ? 'any' : method, route, status: statusCode });
    seconds.observe({ route }, elapsedTime / 1000);
    done();
  });
}
