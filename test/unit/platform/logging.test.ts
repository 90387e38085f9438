import { createLogger, type Logger } from '@tradesense/platform';

const SECRET = 'hunter2-hunter2';
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0cmFkZXItMSJ9.c2lnbmF0dXJl';

function logged(
  write: (log: Logger) => void,
  level = 'info',
): { text: string; lines: readonly Record<string, unknown>[] } {
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  write(createLogger({ service: 'relay', instance: 'relay-1', level, destination }));
  const lines = text.trimEnd().split('\n').filter(Boolean);
  return { text, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** [where the secret stands, how it gets into a log] */
const leaks: readonly (readonly [string, (log: Logger) => void])[] = [
  ['a field', (log) => log.info({ password: SECRET }, 'x')],
  ['a field whose name ends in one', (log) => log.info({ jwt_secret: SECRET }, 'x')],
  ['a header in capitals', (log) => log.info({ headers: { Authorization: `Bearer ${SECRET}` } }, 'x')],
  ['a cookie being set', (log) => log.info({ response: { headers: { 'set-cookie': [SECRET] } } }, 'x')],
  ['a field five levels down', (log) => log.info({ a: { b: { c: { d: { token: SECRET } } } } }, 'x')],
  ['a list', (log) => log.info({ list: [[{ secret: SECRET }]] }, 'x')],
  [
    "a handshake's auth and query",
    (log) => log.info({ handshake: { auth: { t: SECRET }, query: { token: SECRET } } }, 'x'),
  ],
  ["a child's own field", (log) => log.child({ token: SECRET }).info('x')],
  ["a child's nested field", (log) => log.child({ headers: { cookie: SECRET } }).info('x')],
  [
    'below the deepest level',
    (log) => log.info({ a: { b: { c: { d: { e: { f: { g: { h: { i: { token: SECRET } } } } } } } } } }),
  ],
  ['the password of a URL in a field', (log) => log.info({ broker: `kafka://relay:${SECRET}@host:9092` }, 'x')],
  ['the password of a URL in the message', (log) => log.info(`at postgres://u:${SECRET}@host/db?x=1`)],
  ['the password of a URL in an argument', (log) => log.info('at %s', `postgres://u:${SECRET}@host/db`)],
  ['an error’s message', (log) => log.error({ err: new Error(`no postgres://u:${SECRET}@host/db`) }, 'x')],
  [
    'the cause of an error',
    (log) => log.error({ err: new Error('x', { cause: new Error(`http://u:${SECRET}@h`) }) }, 'x'),
  ],
  [
    'what a driver hangs on its errors',
    (log) => log.error({ err: Object.assign(new Error('x'), { query: SECRET, client: { p: SECRET } }) }),
  ],
  ['something thrown that is no error', (log) => log.error({ err: { anything: SECRET } }, 'x')],
];

describe('the log', () => {
  it.each(leaks)('hides a secret in %s', (_where, write) => {
    const { text } = logged(write);
    expect(text).not.toBe('');
    expect(text).not.toContain(SECRET);
  });

  it.each([
    ['a field of any name', (log: Logger) => log.info({ url: `/socket.io/?token=${TOKEN}` }, 'x')],
    ['a message', (log: Logger) => log.info(`refused ${TOKEN}`)],
    ['an error', (log: Logger) => log.error({ err: new Error(`jwt malformed: ${TOKEN}`) }, 'x')],
  ])('hides a token in %s', (_where, write) => {
    expect(logged(write).text).not.toContain(TOKEN.split('.')[2]);
  });

  it('keeps what only looks alike', () => {
    const { lines } = logged((log) => log.info({ token_id: 't-1', tokens: 3, url: 'http://[::1]:9101/livez' }, 'x'));
    expect(lines[0]).toMatchObject({ token_id: 't-1', tokens: 3, url: 'http://[::1]:9101/livez' });
  });

  it('is one JSON line each: time in UTC, level as a word, who speaks, fields, a constant message', () => {
    const { lines } = logged((log) => log.warn({ generation: 3 }, 'lease lost'));
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        service: 'relay',
        version: '0.1.0',
        instance: 'relay-1',
        generation: 3,
        msg: 'lease lost',
      },
    ]);
  });

  it('tells of an error its type, code, message, stack and cause', () => {
    const err = Object.assign(new TypeError('away', { cause: new Error('refused') }), { code: 'ECONNREFUSED' });
    const { lines } = logged((log) => log.error({ err }, 'x'));
    expect(lines[0]?.['err']).toMatchObject({
      type: 'TypeError',
      code: 'ECONNREFUSED',
      message: 'away',
      stack: expect.stringContaining('logging.test') as string,
      cause: { message: 'refused' },
    });
  });

  it('comes to an end with a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(logged((log) => log.info({ cycle }, 'x')).lines).toHaveLength(1);
  });

  it('leaves out what is below its level', () => {
    expect(logged((log) => log.info('x'), 'warn').text).toBe('');
  });
});
