import type { FastifyRequest } from 'fastify';

const SHAPE = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** W3C trace context, when it is valid: it travels with the outbox rows. */
export function traceparentOf({ headers }: FastifyRequest): string | null {
  const { traceparent } = headers;
  return typeof traceparent === 'string' && SHAPE.test(traceparent) ? traceparent : null;
}
