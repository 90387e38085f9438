import { Column, Entity, PrimaryColumn } from 'typeorm';

const money = { type: 'numeric', precision: 14, scale: 2 } as const;
/** A row of `challenge`, named as in SQL. Numbers that pass 2^53, money and moments are text (pitfall P23). */
@Entity('challenge')
export class ChallengeEntity {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') user_id!: string;
  @Column('bigint') epoch!: string;
  @Column('bigint') sequence!: string;
  @Column('uuid') event_id!: string;
  @Column('text') program_id!: string;
  @Column('integer') program_version!: number;
  @Column('integer') phase!: number;
  @Column('text') status!: string;
  @Column('text', { nullable: true }) status_reason!: string | null;
  @Column(money) initial_balance!: string;
  @Column(money) balance!: string;
  @Column('timestamptz') created_at!: string;
  @Column('timestamptz', { nullable: true }) closed_at!: string | null;
  @Column('uuid', { nullable: true }) previous_challenge_id!: string | null;
  @Column('timestamptz') last_command_at!: string;
  @Column(money) previous_equity!: string;
  @Column(money) current_equity!: string;
  @Column(money) max_equity_ever!: string;
  @Column(money) daily_start_equity!: string;
  @Column(money) daily_max_equity!: string;
  @Column(money) daily_min_equity!: string;
  @Column('integer') total_trades!: number;
  @Column({ ...money, nullable: true }) trade_pnl!: string | null;
  @Column('text', { nullable: true }) trade_symbol!: string | null;
  @Column('timestamptz', { nullable: true }) executed_at!: string | null;
  @Column('date') day_date!: string;
  @Column('timestamptz') day_starts_at!: string;
  @Column('timestamptz') day_ends_at!: string;
  @Column('integer') trading_days!: number;
  @Column('date', { nullable: true }) last_trading_date!: string | null;
  @Column('json') open_alerts!: unknown;
  /** What rules remember besides; only ever read whole. */
  @Column('json') book!: unknown;
}
