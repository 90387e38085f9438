import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A trade for a challenge that had ended: refused, and kept for support. */
@Entity('late_trade')
export class LateTradeEntity {
  @PrimaryColumn('uuid') challenge_id!: string;
  @PrimaryColumn('uuid') trade_id!: string;
  @PrimaryColumn('bytea') meaning!: Buffer;
  @Column('json') body!: unknown;
  @Column('timestamptz', { default: () => 'clock_timestamp()' }) received_at!: string;
}
