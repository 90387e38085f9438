import { setTimeout as delay } from 'node:timers/promises';

import { EVENTS } from '@tradesense/contracts';
import pg from 'pg';

import { until } from './until.js';

export interface Range {
  readonly leaf: string;
  /** Null of the DEFAULT; positions are small here. */
  readonly low: number | null;
  readonly high: number | null;
}

const INSERT = `
  insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
  select gen_random_uuid(), '${EVENTS}', 'nobody', 'EQUITY_UPDATED', 1, n, 'trader', '{}' from generate_series(1, $1::integer) n`;

/** An outbox in ranges of a few rows instead of five millions, so that a test passes many of them. */
export class SmallRanges {
  private constructor(
    /** The superuser's session. */
    private readonly client: pg.Client,
    readonly rows: number,
  ) {}

  /** On a fresh database. The first range begins near 1,000, and the sequence stands right before it. */
  static async open(superuserUrl: string, rows: number): Promise<SmallRanges> {
    const client = new pg.Client({ connectionString: superuserUrl, application_name: 'small-ranges' });
    client.on('error', () => undefined); // told by the next statement
    await client.connect();
    await client.query('drop table outbox_r0, outbox_r1, outbox_r2');
    const ranges = new SmallRanges(client, rows);
    await until(
      () => ranges.make(),
      (outcome) => outcome === 'done',
    );
    await ranges.drawUpTo((await ranges.all())[0]!.low! - 1);
    return ranges;
  }

  close = () => this.client.end();
  query = <Row extends object>(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult<Row>> =>
    this.client.query<Row>(text, [...values]);

  /** By position, the DEFAULT last. */
  async all(): Promise<readonly Range[]> {
    const { rows } = await this.query<Range>(
      'select leaf::text, low::float8, high::float8 from outbox_range order by low',
    );
    return rows;
  }

  async make(): Promise<string> {
    const { rows } = await this.query<{ outcome: string }>('select outcome from outbox_make_range(3, $1)', [this.rows]);
    return rows[0]!.outcome;
  }

  async count(leaf: string): Promise<number> {
    const { rows } = await this.query<{ count: number }>(`select count(*)::int from ${leaf}`);
    return rows[0]!.count;
  }

  async insert(rows: number): Promise<void> {
    await this.query(INSERT, [rows]);
  }

  /** Positions that no row gets, as after a crash. */
  async drawUpTo(position: number): Promise<void> {
    await this.query(`select setval('outbox_position', $1)`, [position]);
  }

  async lastDrawn(): Promise<number> {
    const { rows } = await this.query<{ last: number }>('select last_value::float8 as last from outbox_position');
    return rows[0]!.last;
  }

  /** As if a relay had published everything up to there. */
  async setFloor(position: number): Promise<void> {
    await this.query('update relay set floor = $1', [position]);
  }

  /** As if a relay had published everything, beside writers that go on: up to what was drawn when nobody was half way. */
  async publish(): Promise<void> {
    const last = await until(
      async () => {
        const drawn = await this.lastDrawn();
        const { rowCount } = await this.query(
          `select from pg_locks where relation = 'outbox_position'::regclass and mode = 'RowExclusiveLock'`,
        );
        return rowCount === 0 ? drawn : undefined;
      },
      (drawn) => drawn !== undefined,
      { everyMs: 1, what: 'no writer is half way' },
    );
    await this.setFloor(last!);
  }
}

export interface Inserts {
  /** How long each took, milliseconds, ascending. */
  readonly tookMs: readonly number[];
  readonly faults: readonly string[];
}

/** Writers that insert as fast as they can until the act has ended. */
export async function insertsDuring(superuserUrl: string, writers: number, act: () => Promise<void>): Promise<Inserts> {
  const tookMs: number[] = [];
  const faults: string[] = [];
  let isOver = false;
  const write = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: superuserUrl, application_name: 'steady-writer' });
    await client.connect();
    while (!isOver) {
      const before = performance.now();
      await client.query(INSERT, [2]).catch((error: unknown) => faults.push(String(error)));
      tookMs.push(performance.now() - before);
      await delay(1);
    }
    await client.end();
  };
  const writing = Promise.all(Array.from({ length: writers }, write));
  try {
    await act();
  } finally {
    isOver = true;
    await writing;
  }
  return { tookMs: tookMs.sort((a, b) => a - b), faults };
}

export const percentile = (ascending: readonly number[], share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? NaN;
