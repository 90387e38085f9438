import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A version of a program, as it was first read: it never changes. */
@Entity('program')
export class ProgramEntity {
  @PrimaryColumn('text') id!: string;
  @PrimaryColumn('integer') version!: number;
  @Column('json') document!: unknown;
  @Column('timestamptz', { default: () => 'clock_timestamp()' }) saved_at!: string;
}
