import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { systemClock, type Clock, type Logger } from '@tradesense/platform';
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

/** While the database is away each request finds it so: one line says it for all of them. */
const SAY_EVERY_MS = 10_000;

/** The only way an error leaves: from controllers, guards, pipes, and from what Fastify refuses before them. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  #saidAtMs = -Infinity;
  #unsaid = 0;

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const problem = problemOf(error);
    const { id, method, routeOptions } = http.getRequest<FastifyRequest>();
    const facts = { request_id: id, method, route: routeOptions.url, err: problem.cause };
    if (problem.code === 'internal') this.log.error(facts, 'a request failed unexpectedly');
    else if (problem.code === 'database-unavailable') this.#sayAtTimes(facts);
    answerProblem(http.getResponse<FastifyReply>(), problem);
  }

  #sayAtTimes(facts: object): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#saidAtMs < SAY_EVERY_MS) return void (this.#unsaid += 1);
    this.log.warn({ ...facts, unsaid: this.#unsaid }, 'a request found no database');
    this.#saidAtMs = nowMs;
    this.#unsaid = 0;
  }
}
