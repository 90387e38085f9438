import { Column, Entity, PrimaryColumn } from 'typeorm';

const money = { type: 'numeric', precision: 14, scale: 2 } as const;

/** A trade, posted once, with the answer it was given. `number` counts a challenge's trades from 1. */
@Entity('trade')
export class TradeEntity {
  @PrimaryColumn('uuid') challenge_id!: string;
  @PrimaryColumn('uuid') trade_id!: string;
  @Column('integer') number!: number;
  @Column('text') symbol!: string;
  @Column(money) realized_pnl!: string;
  /** Of the challenge, after this trade. */
  @Column(money) balance!: string;
  @Column('timestamptz') executed_at!: string;
  @Column('timestamptz', { nullable: true }) opened_at!: string | null;
  @Column('text', { nullable: true }) side!: string | null;
  @Column('text', { nullable: true }) quantity!: string | null;
  @Column({ ...money, nullable: true }) commission!: string | null;
  @Column('uuid', { nullable: true }) corrects!: string | null;
  /** Of its EQUITY_UPDATED. */
  @Column('bigint') sequence!: string;
  @Column('timestamptz') recorded_at!: string;
  @Column('bytea') meaning!: Buffer;
  @Column('text') answer!: string;
}
