import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What opening a challenge was asked and answered with: apart from the challenge, whose row every trade rewrites. */
@Entity('opening')
export class OpeningEntity {
  @PrimaryColumn('uuid') challenge_id!: string;
  @Column('bytea') meaning!: Buffer;
  @Column('text') answer!: string;
}
