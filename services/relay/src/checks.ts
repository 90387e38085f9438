import { topicsOf } from '@tradesense/contracts';
import type { Admin, TopicFault } from '@tradesense/kafka';
import { Fault, type Logger } from '@tradesense/platform';

import type { Session } from './database/index.js';
import { SEQUENCE } from './reading/index.js';

/** What is set up in a way under which rows would be lost. The relay is not ready, says so, and looks again until it is mended. */
const unfit = (what: string): Fault => new Fault('unfit', 'wait', what);

const MARK = 'tradesense.session';

/**
 * That each session is one connection to one backend, which keeps what it is told. A pooler that hands backends out by the
 * transaction gives both sessions the same one while nothing else runs, and another one later: prepared statements, LISTEN and
 * the memory of who holds the sequence's lock would all be somebody else's.
 */
export async function checkSessions(sessions: readonly Session[]): Promise<void> {
  const backends = new Set<number>();
  for (const [index, session] of sessions.entries())
    await session.query({ text: `select set_config('${MARK}', $1, false)`, values: [String(index)] });
  for (const [index, session] of sessions.entries()) {
    const [row] = await session.query<{ pid: number; mark: string | null }>({
      text: `select pg_backend_pid() as pid, current_setting('${MARK}', true) as mark`,
    });
    if (row?.mark === String(index)) backends.add(row.pid);
  }
  if (backends.size < sessions.length)
    throw unfit('DATABASE_URL leads through a pooler that shares connections: the relay needs PostgreSQL itself');
}

/** What the relay does with the tables, each privilege by its own name. The housekeeper's functions run as their owner. */
const NEEDS = [
  ['outbox', 'select'],
  ['relay', 'select'],
  ['relay', 'update'],
  ['stream', 'select'],
  ['parked', 'select'],
  ['parked', 'insert'],
  ['parked', 'update'],
  ['parked', 'delete'],
  ['relay_audit', 'select'],
  ['relay_audit', 'insert'],
  [SEQUENCE, 'select'],
] as const;

/** That this is the primary, that the tables are there, and that we may do with them what we shall have to. */
export async function checkServer(session: Session): Promise<void> {
  const [server] = await session.query<{ is_standby: boolean; is_read_only: boolean; role: string }>({
    text: `
      select pg_is_in_recovery() as is_standby, current_setting('transaction_read_only')::boolean as is_read_only,
             current_user as role`,
  });
  if (server?.is_standby === true)
    throw unfit(
      'DATABASE_URL leads to a standby of PostgreSQL, where nothing can be saved: the relay needs the primary',
    );
  if (server?.is_read_only === true)
    throw unfit(`PostgreSQL lets ${server.role} only read (default_transaction_read_only): the relay saves its floor`);
  const lacks = await session.query<{ what: string; privilege: string; is_there: boolean }>({
    text: `
      select what, privilege, to_regclass(what) is not null as is_there
      from unnest($1::text[], $2::text[]) as needs (what, privilege)
      where not coalesce(has_table_privilege(to_regclass(what), privilege), false)`,
    values: [NEEDS.map(([what]) => what), NEEDS.map(([, privilege]) => privilege)],
  });
  const absent = new Set(lacks.filter(({ is_there }) => !is_there).map(({ what }) => what));
  if (absent.size > 0) throw unfit(`the database has no ${[...absent].join(', ')}: has it been migrated?`);
  if (lacks.length > 0) {
    const denied = lacks.map(({ what, privilege }) => `${privilege} on ${what}`).join(', ');
    throw unfit(
      `the role ${server?.role} lacks ${denied}: has the database been migrated, and is it the relay's role?`,
    );
  }
}

/** That positions are drawn so that the sequence's lock tells who may still fill a hole (pitfall P4). */
export async function checkSequence(session: Session): Promise<void> {
  const [row] = await session.query<{ cache: string | null; drawn_by: string | null }>({
    text: `
      select
        (select s.seqcache::text from pg_sequence s where s.seqrelid = to_regclass('${SEQUENCE}')) as cache,
        (select pg_get_expr(d.adbin, d.adrelid)
         from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
         where d.adrelid = to_regclass('outbox') and a.attname = 'position') as drawn_by`,
  });
  if (row?.cache !== '1')
    throw unfit(`the sequence ${SEQUENCE} has CACHE ${row?.cache}, under which rows are skipped: it must be CACHE 1`);
  if (row.drawn_by === null || !/^nextval\('(\w+\.)?outbox_position'::regclass\)$/.test(row.drawn_by))
    throw unfit(
      `outbox.position must have the default nextval('${SEQUENCE}'), so that the inserting statement draws it`,
    );
}

/**
 * That the sequence has not been set back below what was published, or what lies in the table: new rows would get positions that
 * are never read again, or are given up as holes, or taken. One statement, in which the sequence is the youngest of the three.
 */
export async function checkFloor(session: Session): Promise<void> {
  const [row] = await session.query<{ last: string; used: string; is_behind: boolean }>({
    text: `
      select s.last_value::text as last, u.used::text as used, s.last_value < u.used as is_behind
      from (select greatest(r.floor, (select max(position) from outbox)) as used from relay r where r.name = 'outbox') u,
           ${SEQUENCE} s`,
  });
  if (row?.is_behind === true)
    throw unfit(
      `the sequence ${SEQUENCE} stands at ${row.last}, behind position ${row.used}, which is used: it was set back. ` +
        `Run "select outbox_advance()" as the owner of the outbox; rows written since it was set back are not published`,
    );
}

export async function checkTopics(admin: Admin, prefix: string, log: Logger): Promise<void> {
  const { events, state, watermarks } = topicsOf(prefix);
  const faults = await admin.checkTopics([events, state, watermarks]);
  const told = (wanted: TopicFault['grade']): string =>
    faults
      .filter(({ grade }) => grade === wanted)
      .map(({ topic, what }) => `topic ${topic} ${what}`)
      .join('; ');
  if (told('unfit') !== '') throw unfit(told('unfit'));
  if (told('unsafe') !== '') log.warn({ why: told('unsafe') }, 'topics may lose records when a broker fails');
}
