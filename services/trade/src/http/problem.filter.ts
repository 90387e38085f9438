import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@tradesense/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { problemOf, refusedWith, type ProblemError } from './problem.js';

export function answerProblem(reply: FastifyReply, problem: ProblemError): void {
  const { status, headers, body } = refusedWith(problem, reply.request.id);
  // Bytes: to a string Fastify would add a charset, which JSON has not.
  void reply
    .code(status)
    .headers({ ...headers, 'x-request-id': reply.request.id })
    .send(Buffer.from(JSON.stringify(body)));
}

/** The only way an error leaves: from controllers, guards, pipes, and from what Fastify refuses before them. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const problem = problemOf(error);
    const { id, method, routeOptions } = http.getRequest<FastifyRequest>();
    const facts = { request_id: id, method, route: routeOptions.url, err: problem.cause };
    if (problem.code === 'internal') this.log.error(facts, 'a request failed unexpectedly');
    else if (problem.code === 'database-unavailable') this.log.warn(facts, 'a request found no database');
    answerProblem(http.getResponse<FastifyReply>(), problem);
  }
}
