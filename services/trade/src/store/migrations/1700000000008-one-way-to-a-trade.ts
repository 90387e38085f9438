import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One way only from a trade's key to its row. Two indexes begin with the challenge; for an empty table both look equally good, and a
 * plan made then reads all trades of a challenge to find one. A partial index serves only those who say its condition, which is
 * the list (decision 012).
 */
export class OneWayToATrade1700000000008 implements MigrationInterface {
  readonly name = 'OneWayToATrade1700000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table trade add constraint trade_number_counts check (number > 0)`);
    await runner.query(`create unique index trade_by_number on trade (challenge_id, number) where number > 0`);
    await runner.query(`alter table trade drop constraint trade_number`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table trade add constraint trade_number unique (challenge_id, number)`);
    await runner.query(`drop index trade_by_number`);
    await runner.query(`alter table trade drop constraint trade_number_counts`);
  }
}
