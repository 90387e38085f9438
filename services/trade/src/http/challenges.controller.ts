import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { isChallengeId, type ChallengeId, type ChallengeState } from '@tradesense/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Outcome, Writer } from '../commit/index.js';
import {
  BAD_PAGE_TOKEN,
  viewChallenge,
  viewTrades,
  type PageRequest,
  type Queries,
  type Reader,
  type TradePage,
} from '../views/index.js';
import { readerOf } from './callers.js';
import { For } from './for.js';
import { ChallengeBody } from './challenge.body.js';
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

  @Get(':id/trades')
  @For('readers')
  async trades(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TradePage> {
    reply.header('cache-control', 'private, no-cache');
    const reader: Reader = readerOf(request);
    const page = found(await viewTrades(this.queries, challengeId(id), reader, pageRequest(query)));
    if (page === BAD_PAGE_TOKEN) throw badQuery('cursor', 'is not one that this list gave');
    return page;
  }
}

/** Not a UUID is not found either: what an id must look like is nothing to be probed. */
function challengeId(id: string): ChallengeId {
  if (!isChallengeId(id)) throw new ProblemError('not-found');
  return id;
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new ProblemError('not-found');
  return value;
}

const LIMIT = { least: 1, most: 200, default: 50 };

const badQuery = (name: string, message: string): ProblemError =>
  new ProblemError('invalid-request', { detail: `The query's ${name} ${message}.` });

function pageRequest({ limit = String(LIMIT.default), cursor = null }: Record<string, unknown>): PageRequest {
  const count = typeof limit === 'string' && /^\d{1,3}$/.test(limit) ? Number(limit) : NaN;
  if (!(count >= LIMIT.least && count <= LIMIT.most))
    throw badQuery('limit', `must be a number from ${LIMIT.least} to ${LIMIT.most}`);
  if (cursor !== null && typeof cursor !== 'string') throw badQuery('cursor', 'stands twice');
  return { limit: count, pageToken: cursor };
}

/** An acceptance is text already, so that a repeated one is the same byte for byte. */
function answer(outcome: Outcome, reply: FastifyReply): string {
  if (outcome.is === 'refused') {
    const { refusal } = outcome;
    if (refusal.code !== 'rule-violation') throw new ProblemError(refusal.code);
    const { path, message } = refusal;
    throw new ProblemError('rule-violation', { errors: [{ path, message }] });
  }
  if (outcome.is === 'unchanged') throw new Error('a command of the API that changes nothing');
  reply.header('content-type', 'application/json; charset=utf-8');
  if (outcome.replayed) reply.header('idempotent-replayed', 'true');
  return outcome.answer;
}
