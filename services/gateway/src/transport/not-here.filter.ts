import { randomUUID } from 'node:crypto';

import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { PROBLEMS, problemType, type Problem } from '@tradesense/contracts';

interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): unknown;
}

/** There is no HTTP here but socket.io's own; whatever else is asked for gets a problem document. */
@Catch()
export class NotHereFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const isFault = !(error instanceof HttpException) || error.getStatus() >= 500;
    const code = isFault ? 'internal' : 'not-found';
    const problem: Problem = {
      type: problemType(code),
      status: PROBLEMS[code].status,
      title: PROBLEMS[code].title,
      detail: 'This is a socket.io server: connect to /socket.io/.',
      request_id: randomUUID(),
      outcome: 'not_applied',
    };
    const reply = host.switchToHttp().getResponse<Reply>();
    reply.status(problem.status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  }
}
