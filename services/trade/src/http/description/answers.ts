import {
  ChallengeLimits,
  ChallengeState,
  LIMIT_RULES,
  MONEY_PATTERN,
  PROBLEMS,
  SEVERITIES,
  UUID_PATTERN,
} from '@tradesense/contracts';
import { Type } from 'typebox';

const oneOf = <const Words extends readonly string[]>(...words: Words) =>
  Type.Unsafe<Words[number]>({ type: 'string', enum: [...words] });
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);
const to = (name: string) => Type.Unsafe<unknown>({ $ref: `#/components/schemas/${name}` });

const uuid = Type.String({ pattern: UUID_PATTERN });
const { created_at: instant, balance: amount, sequence: count } = ChallengeState.properties;
const number = Type.Integer({ minimum: 1 });

const pageOf = (name: string) => Type.Object({ items: Type.Array(to(name)), next_cursor: orNull(Type.String()) });

export const Problem = Type.Object({
  type: Type.String({ pattern: '^urn:tradesense:problem:[a-z-]+$' }),
  status: Type.Integer({
    enum: [...new Set(Object.values(PROBLEMS).map(({ status }) => status))].toSorted((a, b) => a - b),
  }),
  title: Type.String(),
  detail: Type.String(),
  request_id: Type.String(),
  outcome: Type.Unsafe<'not_applied' | 'unknown'>({
    type: 'string',
    enum: ['not_applied', 'unknown'],
    description: 'Unknown: the answer of a commit was lost; repeat with the same id to learn it.',
  }),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        path: Type.String({ description: 'JSON Pointer into the body.' }),
        message: Type.String(),
      }),
    ),
  ),
});

const Trade = Type.Object({
  number,
  trade_id: uuid,
  symbol: Type.String(),
  realized_pnl: amount,
  balance: amount,
  executed_at: instant,
  opened_at: orNull(instant),
  side: orNull(oneOf('BUY', 'SELL')),
  quantity: orNull(Type.String()),
  commission: orNull(amount),
  corrects: orNull(uuid),
  sequence: count,
  recorded_at: instant,
});

const Decision = Type.Object({
  number,
  kind: oneOf('breach', 'lock', 'pass', 'alert', 'reactivation'),
  rule: oneOf(...LIMIT_RULES, 'PROFIT_TARGET', 'OPERATOR'),
  phase: number,
  inputs: Type.Object({}, { description: 'All that it was decided from.' }),
  limit: orNull(amount),
  value: orNull(amount),
  program: Type.Object({ id: Type.String(), version: number }),
  core_version: number,
  at: instant,
});

const percent = Type.String({ pattern: '^[0-9]+(\\.[0-9]{1,2})?$' });
const money = Type.String({ pattern: MONEY_PATTERN });

const ProgramLimit = Type.Object({
  rule: oneOf(...LIMIT_RULES),
  reference: Type.Object({
    value: oneOf('BALANCE', 'EQUITY', 'HIGHER'),
    at: oneOf('INITIAL', 'DAY_START', 'DAY_PEAK', 'PEAK'),
  }),
  amount: Type.Union([
    Type.Object({ percent, of: oneOf('INITIAL', 'REFERENCE') }, { additionalProperties: false }),
    Type.Object({ fixed: money }, { additionalProperties: false }),
  ]),
  checked: oneOf('BALANCE', 'EQUITY'),
  breached: oneOf('BELOW', 'AT_OR_BELOW'),
  trailing: oneOf('NONE', 'END_OF_DAY', 'INTRADAY'),
  locks_at: Type.Optional(orNull(Type.Object({ initial_plus: money }))),
  consequence: oneOf('FAIL', 'LOCK_DAY'),
});

/** The document as it was saved: what may be left out stands in it only where somebody wrote it. */
const Program = Type.Object({
  id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }),
  version: number,
  name: Type.Optional(Type.String()),
  source: Type.Optional(Type.Array(Type.String())),
  read_on: Type.Optional(Type.String()),
  unverified: Type.Optional(Type.Array(Type.String())),
  initial_balance: Type.Optional(money),
  time_zone: Type.String(),
  day_starts_at: Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' }),
  equity_from: oneOf('TRADES', 'MARKS'),
  day_counts: Type.Union([oneOf('OPENED', 'TRADED'), Type.Object({ profit_percent: percent })]),
  phases: Type.Array(
    Type.Object({
      profit_target: orNull(percent),
      min_trading_days: Type.Optional(Type.Integer({ minimum: 0 })),
      best_day_limit: Type.Optional(orNull(percent)),
      review: Type.Optional(Type.Boolean()),
      limits: Type.Array(ProgramLimit),
    }),
    { minItems: 1 },
  ),
  alerts: Type.Array(Type.Object({ at_percent_of_limit: percent, severity: oneOf(...SEVERITIES) })),
  hysteresis: Type.Optional(percent),
});

const events = Type.Array(Type.Object({ event_id: uuid, type: Type.String(), sequence: number }));
const TradeAnswer = Type.Object({ trade_id: uuid, challenge: to('ChallengeState'), events });
const ActAnswer = Type.Object({ act_id: uuid, challenge: to('ChallengeState'), events });

const TradesAnswer = Type.Object({
  results: Type.Array(
    Type.Union([
      Type.Object({ status: Type.Literal(201), replayed: Type.Boolean(), body: to('TradeAnswer') }),
      Type.Object({ status: Type.Integer({ minimum: 400 }), replayed: Type.Literal(false), problem: to('Problem') }),
    ]),
    { description: 'One for each trade, in their order.' },
  ),
});

const MarksAnswer = Type.Object({
  applied: count,
  stale: count,
  rejected: Type.Array(Type.Object({ index: count, problem: to('Problem') })),
});

/** Shapes of answers, by their names in the document. */
export const ANSWERS = {
  ChallengeState,
  ChallengePage: pageOf('ChallengeState'),
  ChallengeLimits,
  Trade,
  TradePage: pageOf('Trade'),
  TradeAnswer,
  TradesAnswer,
  ActAnswer,
  MarksAnswer,
  Decision,
  DecisionPage: pageOf('Decision'),
  Recomputation: Type.Object({ identical: Type.Boolean(), core_version: number, recorded_core_version: number }),
  Program,
  ProgramPage: Type.Object({ items: Type.Array(to('Program')) }),
  Problem,
};
export type AnswerName = keyof typeof ANSWERS;
