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
  if (row?.cache == null) throw unfit(`the sequence ${SEQUENCE} is not there: has the database been migrated?`);
  if (row.cache !== '1')
    throw unfit(`the sequence ${SEQUENCE} has CACHE ${row.cache}, under which rows are skipped: it must be CACHE 1`);
  if (row.drawn_by === null || !/^nextval\('(\w+\.)?outbox_position'::regclass\)$/.test(row.drawn_by))
    throw unfit(
      `outbox.position must have the default nextval('${SEQUENCE}'), so that the inserting statement draws it`,
    );
}

/**
 * That the sequence has not been set back below what was published: new rows would get positions that are never read again. One
 * statement, in which the floor is the older of the two.
 */
export async function checkFloor(session: Session): Promise<void> {
  const [row] = await session.query<{ last: string; floor: string; is_behind: boolean }>({
    text: `
      select s.last_value::text as last, r.floor::text as floor, s.last_value < r.floor as is_behind
      from relay r, ${SEQUENCE} s
      where r.name = 'outbox'`,
  });
  if (row?.is_behind === true)
    throw unfit(`the sequence ${SEQUENCE} stands at ${row.last}, behind the floor ${row.floor}: it was set back`);
}

/** One broker, as on a developer's machine, is unsafe and no reason not to publish. */
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
