import 'reflect-metadata';

import { RememberingVerifier, TokenVerifier, keySetSignals, tokenRulesOf } from '@tradesense/auth';
import { AdminListener, breakerReports, createMetrics, runService } from '@tradesense/platform';

import { Wake, Writer } from './commit/index.js';
import { RollScheduler } from './day-roll/index.js';
import { EpochSweep, bumpEpoch } from './epoch/index.js';
import { HttpListener } from './http/index.js';
import { MarkIntake } from './marks/index.js';
import { operatorActs } from './operator/index.js';
import { PRESETS_DIR, ProgramShelf } from './programs/index.js';
import { tradeSettings } from './settings.js';
import { Database, SoloConnection } from './store/index.js';
import { TradeModule } from './trade.module.js';

await runService({
  name: 'trade',
  settings: tradeSettings,
  parts({ config, log, health }) {
    const metrics = createMetrics('trade');
    const database = new Database(config.DATABASE_URL, log);
    const programs = new ProgramShelf(database, [PRESETS_DIR, config.PROGRAMS_DIR], log);
    const solo = new SoloConnection(config.DATABASE_URL, log);
    const writer = new Writer({ database, wake: new Wake(solo, log), metrics });
    const marks = new MarkIntake(writer, metrics);
    const quiet = { queries: database, perSecond: config.ROLLS_PER_S, metrics, log };
    const rolls = new RollScheduler({ ...quiet, roll: (challengeId) => writer.roll(challengeId) });
    const epochs = new EpochSweep({ ...quiet, takeEpoch: (challengeId) => writer.takeEpoch(challengeId) });
    const signals = keySetSignals(metrics, log, breakerReports(metrics, log)('key_set'));
    const verifier = new RememberingVerifier(new TokenVerifier(tokenRulesOf(config), { signals }));
    const acts = operatorActs({ queries: database, bumpEpoch: (by) => bumpEpoch(database, by), verifier });
    health.check('database', () => (solo.isUp ? { ok: true } : { ok: false, detail: 'PostgreSQL does not answer' }));
    return [
      new AdminListener({
        host: config.ADMIN_HOST,
        port: config.ADMIN_PORT,
        registry: metrics.registry,
        health,
        log,
        acts,
      }),
      database,
      programs,
      solo,
      marks,
      rolls,
      epochs,
      new HttpListener({
        host: config.TRADE_HOST,
        port: config.TRADE_PORT,
        allowedOrigins: config.ALLOWED_ORIGINS,
        module: TradeModule.of({ writer, marks, database, programs }),
        verifier,
        rateLimits: { userPerS: config.USER_RATE_LIMIT_PER_S, machinePerS: config.RATE_LIMIT_PER_S },
        metrics,
        log,
      }),
    ];
  },
});
