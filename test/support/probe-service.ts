/** A service with nothing to do, whose life a test looks at: `node test/dist/support/probe-service.js`. */
import {
  AdminListener,
  adminSettings,
  createMetrics,
  logSettings,
  oneOf,
  runService,
  secret,
  type Part,
} from '@tradesense/platform';

const MOODS = ['well', 'fails-to-start', 'throws-later', 'rejects-later', 'hangs-at-stop', 'fails-to-stop'] as const;

await runService({
  name: 'probe',
  settings: {
    ...logSettings,
    ...adminSettings(0),
    KEY: secret({ says: 'A key.', fallback: 'development-key', developmentOnly: true }),
    MOOD: oneOf(MOODS, { says: 'What goes wrong.', fallback: 'well' }),
  },
  parts({ config: { ADMIN_HOST, ADMIN_PORT, MOOD, KEY }, log, health }) {
    const part = (name: string, more: Partial<Part> = {}): Part => ({
      name,
      async start() {
        await more.start?.();
        log.info({ part: name, token: KEY }, 'part started');
      },
      async stop() {
        await more.stop?.();
        log.info({ part: name }, 'part stopped');
      },
    });
    const fail = (): never => {
      throw new Error(`as the test wished: postgres://u:${KEY}@host`);
    };
    const upset: Partial<Part> = {
      start() {
        if (MOOD === 'fails-to-start') fail();
        if (MOOD === 'throws-later') setTimeout(fail, 50);
        if (MOOD === 'rejects-later') setTimeout(() => void Promise.reject(new Error('as the test wished')), 50);
      },
      stop: () =>
        MOOD === 'hangs-at-stop' ? new Promise<void>(() => undefined) : MOOD === 'fails-to-stop' ? fail() : undefined,
    };
    const { registry } = createMetrics('probe');
    const admin = new AdminListener({ host: ADMIN_HOST, port: ADMIN_PORT, registry, health, log });
    return [admin, part('first'), part('upset', upset), part('last')];
  },
});
