import { randomUUID } from 'node:crypto';

import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { PROBLEMS, problemType, type Problem } from '@tradesense/contracts';

/** Of Fastify's reply what is needed here. */
export interface ProblemReply {
  status(code: number): ProblemReply;
  header(name: string, value: string): ProblemReply;
  send(body: string): unknown;
}

/** There is no HTTP here but socket.io's own; whatever else is asked for gets a problem document. */
@Catch()
export class NotHereFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const isFault = !(error instanceof HttpException) || error.getStatus() >= 500;
    answerProblem(host.switchToHttp().getResponse<ProblemReply>(), isFault ? 'internal' : 'not-found');
  }
}

/** Also for paths that Fastify can't read and Nest therefore never sees. */
export function answerProblem(reply: ProblemReply, code: 'internal' | 'not-found'): void {
  const problem: Problem = {
    type: problemType(code),
    status: PROBLEMS[code].status,
    title: PROBLEMS[code].title,
    detail: 'This is a socket.io server: connect to /socket.io/.',
    request_id: randomUUID(),
    outcome: 'not_applied',
  };
  reply.status(problem.status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
}
