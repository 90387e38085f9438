import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Who wanted what done, to which challenge, why, when, and what became of it. Append-only. */
@Entity('audit')
export class AuditEntity {
  @PrimaryColumn('bigint') id!: string;
  @Column('timestamptz') at!: string;
  @Column('text') who!: string;
  @Column('text') act!: string;
  @Column('text') why!: string;
  @Column('uuid', { nullable: true }) challenge_id!: string | null;
  @Column('uuid', { nullable: true }) act_id!: string | null;
  /** What the act names beside these: a new owner, a verdict, an epoch. */
  @Column('json') details!: unknown;
  /** `accepted`, or the code of the refusal. */
  @Column('text') outcome!: string;
}
