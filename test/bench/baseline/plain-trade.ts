/**
 * What `-- trade` compares with: the plain way, as a good engineer writes it with Nest and TypeORM. A controller with a validated
 * body and a guard, a pool of twenty, one transaction per request that leaves behind the same rows as the service does.
 */
import 'reflect-metadata';

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';

import {
  Body,
  ConflictException,
  Controller,
  Injectable,
  Module,
  NotFoundException,
  Param,
  ParseUUIDPipe,
  Post,
  UnauthorizedException,
  UnprocessableEntityException,
  ValidationPipe,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { EVENTS, Instant, Money, STATE, type ChallengeId, type EventId, type TradeId } from '@tradesense/contracts';
import { STATE_TYPE, type Column as Stored } from '@tradesense/outbox';
import { IsISO8601, IsIn, IsOptional, IsString, IsUUID, Length, Matches } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { jwtVerify } from 'jose';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type EntityManager } from 'typeorm';

import {
  decide,
  programsOf,
  readProgram,
  stateOf,
  type Challenge,
  type TradeCommand,
} from '../../../services/trade/src/domain/index.js';
import { MOVING, challengeOf } from '../../../services/trade/src/store/challenge-row.js';
import { ChallengeEntity } from '../../../services/trade/src/store/challenge.entity.js';
import { TradeEntity } from '../../../services/trade/src/store/trade.entity.js';
import { inRepository } from '../../support/repository.js';

const POOL = 20;
const seed = readProgram(JSON.parse(readFileSync(inRepository('services/trade/programs/seed.json'), 'utf8')));
if (!seed.ok) throw new Error('the seed program can not be read');
const programs = programsOf([seed.program]);
const secret = new TextEncoder().encode(process.env['JWT_SECRET']);

@Entity('outbox')
class OutboxEntity {
  @PrimaryGeneratedColumn({ type: 'bigint' }) position!: string;
  @Column('uuid') id!: string;
  @Column('text') aggregatetype!: string;
  @Column('text') aggregateid!: string;
  @Column('text') type!: string;
  @Column('bigint') epoch!: number;
  @Column('bigint') sequence!: number;
  @Column('text') user_id!: string;
  @Column('json') payload!: unknown;
}

const MONEY = /^-?\d{1,12}(\.\d{1,2})?$/;

class TradeDto {
  @IsUUID() trade_id!: string;
  @IsString() @Length(1, 64) symbol!: string;
  @Matches(MONEY) realized_pnl!: string;
  @IsISO8601({ strict: true }) executed_at!: string;
  @IsOptional() @IsISO8601({ strict: true }) opened_at?: string;
  @IsOptional() @IsIn(['BUY', 'SELL']) side?: 'BUY' | 'SELL';
  @IsOptional() @IsString() quantity?: string;
  @IsOptional() @Matches(MONEY) commission?: string;
  @IsOptional() @IsUUID() corrects?: string;
}

@Injectable()
class JwtGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { authorization = '' } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    const options = { issuer: 'tradesense', audience: 'tradesense', algorithms: ['HS256'] };
    const { payload } = await jwtVerify(authorization.replace(/^Bearer /, ''), secret, options).catch(() => {
      throw new UnauthorizedException();
    });
    return typeof payload['scope'] === 'string' && payload['scope'].split(' ').includes('trades:write');
  }
}

const MOMENTS = ['created_at', 'closed_at', 'last_command_at', 'executed_at', 'day_starts_at', 'day_ends_at'];
/** TypeORM reads moments as dates. */
const challengeIn = (row: ChallengeEntity): Challenge =>
  challengeOf(
    Object.fromEntries(
      Object.entries(row).map(([name, value]: [string, unknown]) => [
        name,
        MOMENTS.includes(name) && value instanceof Date ? `${value.getTime()}000` : value,
      ]),
    ) as unknown as ChallengeEntity,
  );

/** TypeORM writes the text of json itself. */
function changesOf(challenge: Challenge): object {
  const values = Object.entries<Stored<Challenge>>(MOVING).map(([name, [type, read]]) => {
    const value = read(challenge);
    return [name, type === 'json' ? (JSON.parse(String(value)) as unknown) : value];
  });
  return Object.fromEntries(values) as object;
}

const commandOf = (challengeId: string, trade: TradeDto): TradeCommand => ({
  is: 'trade',
  challengeId: challengeId as ChallengeId,
  tradeId: trade.trade_id as TradeId,
  symbol: trade.symbol,
  pnl: Money.of(trade.realized_pnl),
  executedAt: Instant.of(trade.executed_at),
  openedAt: trade.opened_at === undefined ? null : Instant.of(trade.opened_at),
  side: trade.side ?? null,
  quantity: trade.quantity ?? null,
  commission: trade.commission === undefined ? null : Money.of(trade.commission),
  corrects: (trade.corrects ?? null) as TradeId | null,
});

@Injectable()
class TradeService {
  constructor(private readonly source: DataSource) {}

  post(challengeId: string, trade: TradeDto): Promise<unknown> {
    return this.source.transaction((manager) => this.#post(manager, challengeId, trade));
  }

  async #post(manager: EntityManager, id: string, trade: TradeDto): Promise<unknown> {
    const row = await manager.findOne(ChallengeEntity, { where: { id }, lock: { mode: 'for_no_key_update' } });
    if (row === null) throw new NotFoundException();
    const meaning = createHash('sha256').update(JSON.stringify(trade)).digest();
    const known = await manager.findOneBy(TradeEntity, { challenge_id: id, trade_id: trade.trade_id });
    if (known?.meaning.equals(meaning) === false) throw new ConflictException();
    if (known !== null) return JSON.parse(known.answer) as unknown;

    const command = commandOf(id, trade);
    const before = challengeIn(row);
    const program = programs.of(before.program);
    const at = Instant.ofMicros(BigInt(Date.now()) * 1_000n);
    const verdict = decide(program, before, command, {
      at,
      epoch: before.epoch,
      nextEventId: () => randomUUID() as EventId,
    });
    if (verdict.is !== 'accepted') throw new UnprocessableEntityException(verdict);

    const { challenge, events } = verdict;
    const state = stateOf(program, challenge);
    const named = events.map(({ type, body: { event_id, sequence } }) => ({ event_id, type, sequence }));
    const answer = { trade_id: trade.trade_id, challenge: state, events: named };
    await manager.insert(TradeEntity, {
      ...trade,
      challenge_id: id,
      number: challenge.equity.totalTrades,
      balance: Money.format(challenge.balance),
      sequence: String(challenge.sequence),
      recorded_at: Instant.format(at),
      meaning,
      answer: JSON.stringify(answer),
    });
    await manager.update(ChallengeEntity, id, changesOf(challenge));
    const common = { aggregateid: id, epoch: challenge.epoch, user_id: challenge.userId };
    await manager.insert(OutboxEntity, [
      ...events.map(({ type, body }) => ({
        ...common,
        id: body.event_id,
        aggregatetype: EVENTS,
        type,
        sequence: body.sequence,
        payload: body as object,
      })),
      {
        ...common,
        id: challenge.eventId,
        aggregatetype: STATE,
        type: STATE_TYPE,
        sequence: challenge.sequence,
        payload: state as object,
      },
    ]);
    return answer;
  }
}

@Controller('v1/challenges')
class TradeController {
  constructor(private readonly trades: TradeService) {}

  @Post(':id/trades')
  post(@Param('id', ParseUUIDPipe) id: string, @Body() trade: TradeDto): Promise<unknown> {
    return this.trades.post(id, trade);
  }
}

const source = new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'] ?? '',
  entities: [ChallengeEntity, TradeEntity, OutboxEntity],
  poolSize: POOL,
});

@Module({
  controllers: [TradeController],
  providers: [TradeService, { provide: DataSource, useValue: source }, { provide: APP_GUARD, useClass: JwtGuard }],
})
class PlainModule {}

await source.initialize();
const app = await NestFactory.create<NestFastifyApplication>(PlainModule, new FastifyAdapter(), { logger: ['error'] });
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
