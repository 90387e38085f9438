import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An operator's act, done once, with the answer it was given. */
@Entity('act')
export class ActEntity {
  @PrimaryColumn('uuid') challenge_id!: string;
  @PrimaryColumn('uuid') act_id!: string;
  @Column('bytea') meaning!: Buffer;
  @Column('text') answer!: string;
}
