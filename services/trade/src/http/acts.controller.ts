import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Writer } from '../commit/index.js';
import type { OperatorCommand } from '../domain/index.js';
import { CloseBody, OwnerBody, ReactivateBody, ReviewBody, type ActOf } from './act.body.js';
import { operatorOf } from './callers.js';
import { WRITER, challengeId } from './challenges.controller.js';
import { Described, SAMPLES } from './description/index.js';
import { For } from './for.js';
import { answer } from './outcome.js';
import { traceparentOf } from './traceparent.js';

/** What operators do to a challenge: once for each `act_id`, with a reason, and written down. */
@Controller('v1/challenges/:id')
export class ActsController {
  constructor(@Inject(WRITER) private readonly writer: Writer) {}

  @Described({
    says: 'Hands a challenge over to another user, also one that has ended.',
    sends: SAMPLES.owner,
    answers: 'ActAnswer',
    problems: ['act-conflict'],
  })
  @Post('owner')
  @HttpCode(200)
  @For('operators')
  owner(
    @Param('id') id: string,
    @Body() body: OwnerBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.#act(id, body, { request, reply });
  }

  @Described({
    says: 'Decides on a challenge in review: it passes its phase, or ends.',
    sends: SAMPLES.review,
    answers: 'ActAnswer',
    problems: ['act-conflict', 'challenge-closed', 'rule-violation'],
  })
  @Post('review')
  @HttpCode(200)
  @For('operators')
  review(
    @Param('id') id: string,
    @Body() body: ReviewBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.#act(id, body, { request, reply });
  }

  @Described({
    says: 'Ends a challenge.',
    sends: SAMPLES.act,
    answers: 'ActAnswer',
    problems: ['act-conflict', 'challenge-closed'],
  })
  @Post('close')
  @HttpCode(200)
  @For('operators')
  close(
    @Param('id') id: string,
    @Body() body: CloseBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.#act(id, body, { request, reply });
  }

  @Described({
    says: "Opens a challenge in the place of one that is over, from the start: the answer's is the new one.",
    sends: SAMPLES.act,
    answers: 'ActAnswer',
    problems: ['act-conflict', 'rule-violation'],
  })
  @Post('reactivate')
  @HttpCode(200)
  @For('operators')
  reactivate(
    @Param('id') id: string,
    @Body() body: ReactivateBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.#act(id, body, { request, reply });
  }

  async #act(
    id: string,
    body: { toCommand(of: ActOf): OperatorCommand },
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  ): Promise<string> {
    const command = body.toCommand({ challengeId: challengeId(id), by: operatorOf(request) });
    return answer(await this.writer.act(command, traceparentOf(request)), reply);
  }
}
