import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A decision record. `number` counts a challenge's decisions from 1. */
@Entity('decision')
export class DecisionEntity {
  @PrimaryColumn('uuid') challenge_id!: string;
  @PrimaryColumn('integer') number!: number;
  @Column('json') record!: unknown;
}
