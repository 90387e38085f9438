import { Body, Controller, Header, HttpCode, Inject, Post, Req } from '@nestjs/common';
import type { ChallengeId } from '@tradesense/contracts';
import type { FastifyRequest } from 'fastify';

import type { Writer } from '../commit/index.js';
import type { MarkIntake } from '../marks/index.js';
import { WRITER } from './challenges.controller.js';
import { Described, SAMPLES } from './description/index.js';
import { ForLists } from './for.js';
import { itemsOf, within } from './items.js';
import { MarkBody, MarksBody } from './mark.body.js';
import { acceptedOf, refusalProblem } from './outcome.js';
import { ProblemError, problemOf, refusedWith } from './problem.js';
import { ListedTradeBody, TradesBody } from './trade.body.js';
import { traceparentOf } from './traceparent.js';

export const MARKS = Symbol('marks');

/** Many at once, each on its own: the list is taken, and each item has its result. */
@Controller('v1')
export class ListsController {
  constructor(
    @Inject(WRITER) private readonly writer: Writer,
    @Inject(MARKS) private readonly intake: MarkIntake,
  ) {}

  @Described({
    says: 'Posts trades of many challenges: each stands or falls on its own, and those of one challenge keep their order.',
    sends: SAMPLES.trades,
    answers: 'TradesAnswer',
    headers: [],
    problems: [],
  })
  @Post('trades')
  @HttpCode(200)
  @Header('content-type', 'application/json; charset=utf-8')
  @ForLists('services')
  async trades(@Body() body: TradesBody, @Req() request: FastifyRequest): Promise<string> {
    const { good, bad } = itemsOf(ListedTradeBody, body.trades, {
      name: 'trades',
      command: (item) => item.toCommand(item.challenge_id as ChallengeId),
    });
    const settled = await this.writer.trades(
      good.map(({ command }) => command),
      traceparentOf(request),
    );
    const results: string[] = [];
    for (const { index, problem } of bad) results[index] = problemResult(problem, request.id);
    for (const [place, { index }] of good.entries()) {
      const accepted = acceptedOf(settled[place]!);
      results[index] =
        accepted instanceof ProblemError
          ? problemResult(within(`/trades/${index}`, accepted), request.id)
          : `{"status":201,"replayed":${accepted.replayed},"body":${accepted.answer}}`;
    }
    return `{"results":[${results.join(',')}]}`;
  }

  @Described({
    says: 'Posts equity with open profit and loss; answered once it is committed.',
    sends: SAMPLES.marks,
    answers: 'MarksAnswer',
    headers: [],
    problems: [],
  })
  @Post('marks')
  @HttpCode(200)
  @ForLists('services')
  async marks(@Body() body: MarksBody, @Req() request: FastifyRequest) {
    const { good, bad } = itemsOf(MarkBody, body.marks, { name: 'marks', command: (item) => item.toCommand() });
    const { applied, stale, rejected } = await this.intake.post(
      good.map(({ command }) => command),
      traceparentOf(request),
    );
    const written = rejected.map(({ index: place, problem: outcome }) => {
      const { index } = good[place]!;
      const problem = outcome.is === 'failed' ? problemOf(outcome.fault) : refusalProblem(outcome.refusal);
      return { index, problem: within(`/marks/${index}`, problem) };
    });
    return {
      applied,
      stale,
      rejected: [...bad, ...written]
        .toSorted((a, b) => a.index - b.index)
        .map(({ index, problem }) => ({ index, problem: refusedWith(problem, request.id).body })),
    };
  }
}

function problemResult(problem: ProblemError, requestId: string): string {
  const { status, body } = refusedWith(problem, requestId);
  return JSON.stringify({ status, replayed: false, problem: body });
}
