import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import {
  STATUSES,
  isChallengeId,
  type ChallengeId,
  type ChallengeLimits,
  type ChallengeState,
  type Status,
  type UserId,
} from '@tradesense/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Writer } from '../commit/index.js';
import {
  BAD_PAGE_TOKEN,
  recomputed,
  viewChallenge,
  viewChallenges,
  viewDecisions,
  viewLimits,
  viewTrades,
  type ChallengePage,
  type DecisionPage,
  type Queries,
  type TradePage,
} from '../views/index.js';
import { readerOf } from './callers.js';
import { For } from './for.js';
import { ChallengeBody } from './challenge.body.js';
import { answer } from './outcome.js';
import { Described, SAMPLES } from './description/index.js';
import { Paged, badQuery, pageRequest, parameterIn } from './page.js';
import { ProblemError } from './problem.js';
import { TradeBody } from './trade.body.js';
import { traceparentOf } from './traceparent.js';

/** What the wiring provides. */
export const WRITER = Symbol('writer');
export const QUERIES = Symbol('queries');

@Controller('v1/challenges')
export class ChallengesController {
  constructor(
    @Inject(WRITER) private readonly writer: Writer,
    @Inject(QUERIES) private readonly queries: Queries,
  ) {}

  @Described({
    says: 'Opens a challenge.',
    sends: SAMPLES.challenge,
    answers: 'ChallengeState',
    headers: ['Location', 'Idempotent-Replayed'],
    problems: ['challenge-exists', 'rule-violation'],
  })
  @Post()
  @For('services')
  async open(
    @Body() body: ChallengeBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const text = answer(await this.writer.open(body.toCommand(), traceparentOf(request)), reply);
    reply.header('location', `/v1/challenges/${body.challenge_id}`);
    return text;
  }

  @Described({
    says: 'Posts a trade, which is judged at once.',
    sends: SAMPLES.trade,
    answers: 'TradeAnswer',
    problems: ['trade-conflict', 'challenge-closed', 'rule-violation'],
  })
  @Post(':id/trades')
  @For('services')
  async trade(
    @Param('id') id: string,
    @Body() body: TradeBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return answer(await this.writer.trade(body.toCommand(challengeId(id)), traceparentOf(request)), reply);
  }

  @Described({
    says: "Lists a user's challenges, the newest first.",
    answers: 'ChallengePage',
    problems: ['not-found'],
  })
  @ApiQuery({
    name: 'user_id',
    required: false,
    description: 'Whose; a user may leave it out, and all others must not.',
    schema: { type: 'string' },
  })
  @ApiQuery({ name: 'status', required: false, schema: { type: 'string', enum: [...STATUSES] } })
  @Paged()
  @Get()
  @For('readers')
  async list(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChallengePage> {
    reply.header('cache-control', 'private, no-cache');
    const asked = { userId: userIn(query, request), status: statusIn(query) };
    return pageOf(await viewChallenges(this.queries, asked, pageRequest(query)));
  }

  @Described({ says: 'A challenge as of now.', answers: 'ChallengeState' })
  @Get(':id')
  @For('readers')
  async read(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChallengeState> {
    reply.header('cache-control', 'private, no-cache');
    return found(await viewChallenge(this.queries, challengeId(id), readerOf(request)));
  }

  @Described({ says: 'How far a challenge is from its limits and its target, as of now.', answers: 'ChallengeLimits' })
  @Get(':id/limits')
  @For('readers')
  async limits(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChallengeLimits> {
    reply.header('cache-control', 'private, no-cache');
    return found(await viewLimits(this.queries, challengeId(id), readerOf(request)));
  }

  @Described({ says: 'Lists the trades of a challenge in the order they were applied.', answers: 'TradePage' })
  @Paged()
  @Get(':id/trades')
  @For('readers')
  async trades(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TradePage> {
    reply.header('cache-control', 'private, no-cache');
    return pageOf(await viewTrades(this.queries, challengeId(id), readerOf(request), pageRequest(query)));
  }

  @Described({ says: 'Lists why a challenge stands as it does, in the order it was decided.', answers: 'DecisionPage' })
  @Paged()
  @Get(':id/decisions')
  @For('readers')
  async decisions(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DecisionPage> {
    reply.header('cache-control', 'private, no-cache');
    return pageOf(await viewDecisions(this.queries, challengeId(id), readerOf(request), pageRequest(query)));
  }

  @Described({ says: 'Decides again what was decided, by the core of today.', answers: 'Recomputation' })
  @Post(':id/decisions/:number/recompute')
  @HttpCode(200)
  @For('checkers')
  async recompute(@Param('id') id: string, @Param('number') number: string) {
    if (!/^[1-9]\d{0,8}$/.test(number)) throw new ProblemError('not-found');
    return found(await recomputed(this.queries, challengeId(id), Number(number)));
  }
}

/** Whose challenges: a user's own, whatever the query says of somebody else. */
function userIn(query: Record<string, unknown>, request: FastifyRequest): UserId {
  const asked = parameterIn(query, 'user_id');
  const reader = readerOf(request);
  if (reader.is === 'user') {
    if (asked !== null && asked !== reader.userId) throw new ProblemError('not-found');
    return reader.userId;
  }
  if (asked === null) throw badQuery('user_id', 'must say whose');
  return asked as UserId;
}

function statusIn(query: Record<string, unknown>): Status | null {
  const asked = parameterIn(query, 'status');
  const status = STATUSES.find((word) => word === asked);
  if (asked !== null && status === undefined) throw badQuery('status', `must be ${STATUSES.join(' or ')}`);
  return status ?? null;
}

function pageOf<Page>(page: Page | typeof BAD_PAGE_TOKEN | undefined): Page {
  if (page === BAD_PAGE_TOKEN) throw badQuery('cursor', 'is not one that this list gave');
  return found(page) as Page;
}

/** Not a UUID is not found either: what an id must look like is nothing to be probed. */
export function challengeId(id: string): ChallengeId {
  if (!isChallengeId(id)) throw new ProblemError('not-found');
  return id;
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new ProblemError('not-found');
  return value;
}
