import { printConfig, readConfig, type ConfigOf, type Declaration, type Relations } from '../config/index.js';
import { Health } from '../health/index.js';
import { createLogger, type Logger } from '../logging/index.js';

/** A part that runs. May be stopped before it was started, and twice. */
export interface Part {
  readonly name: string;
  start(): Promise<void> | void;
  stop(): Promise<void> | void;
}

/** Exit codes of a service. */
export const EXIT = { ok: 0, unexpected: 1, badConfiguration: 78 } as const;

/**
 * Starts parts in order and stops them in reverse, once, whoever asks. A part that fails to stop does not keep the others from
 * stopping.
 */
export class Lifecycle {
  readonly #started: Part[] = [];
  #stopping: Promise<void> | undefined;

  constructor(private readonly log: Logger) {}

  async start(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      if (this.#stopping !== undefined) return;
      this.#started.push(part); // before its start, so that one that fails half way is stopped too
      await part.start();
      if (this.isStopping) await this.#stopOne(part); // its start ended after it was stopped
    }
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#started.reverse()) await this.#stopOne(part);
  }

  async #stopOne(part: Part): Promise<void> {
    try {
      await part.stop();
    } catch (err) {
      this.log.warn({ err, part: part.name }, 'a part did not stop in order');
    }
  }
}

export interface Service<D extends Declaration> {
  readonly name: string;
  readonly settings: D;
  readonly relations?: Relations<D>;
  /** Builds the parts; what they need from outside comes as arguments. */
  parts(context: ServiceContext<D>): readonly Part[] | Promise<readonly Part[]>;
}

export interface ServiceContext<D extends Declaration> {
  readonly config: ConfigOf<D>;
  readonly log: Logger;
  readonly health: Health;
  /** For what nobody expected: log, stop in order, exit 1. Being restarted is a state we test. */
  readonly fail: (error: unknown) => void;
}

interface Common {
  readonly LOG_LEVEL: string;
  readonly STOP_MS: number;
}

/**
 * A service's whole life: configuration (exit 78 with all faults, `--print-config`), parts up, signals, parts down in reverse
 * within STOP_MS, exit code. SIGTERM and SIGINT stop in order; a second one ends at once with 1.
 */
export async function runService<D extends Declaration>(service: Service<D>): Promise<void> {
  const reading = readConfig(service.settings, process.env, service.relations);
  if (!reading.ok) {
    const faults = reading.faults.map((fault) => `  - ${fault}\n`).join('');
    process.stderr.write(`${service.name}: the configuration has ${reading.faults.length} fault(s):\n${faults}`);
    process.exit(EXIT.badConfiguration);
  }
  if (process.argv.includes('--print-config')) {
    process.stdout.write(`${printConfig(service.settings, reading.config, process.env)}\n`);
    return;
  }
  const { LOG_LEVEL, STOP_MS } = reading.config as unknown as Common;
  const log = createLogger({ service: service.name, instance: `${service.name}-${process.pid}`, level: LOG_LEVEL });
  const health = new Health();
  const lifecycle = new Lifecycle(log);
  let ready = false;
  health.check('lifecycle', () =>
    ready && !lifecycle.isStopping ? { ok: true } : { ok: false, detail: ready ? 'stopping' : 'starting' },
  );

  const end = async (code: number): Promise<void> => {
    if (lifecycle.isStopping) return;
    setTimeout(() => {
      log.error({ stop_ms: STOP_MS }, 'did not stop in time');
      process.exit(EXIT.unexpected);
    }, STOP_MS).unref();
    await lifecycle.stop();
    log.info({ code }, 'stopped');
    process.exit(code);
  };
  const fail = (error: unknown): void => {
    log.error({ err: error }, 'unexpected: stopping');
    void end(EXIT.unexpected);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (lifecycle.isStopping) process.exit(EXIT.unexpected);
    log.info({ signal }, 'stopping');
    void end(EXIT.ok);
  };
  process
    .on('SIGTERM', onSignal)
    .on('SIGINT', onSignal)
    .on('SIGHUP', () => undefined);
  process.on('uncaughtException', fail).on('unhandledRejection', fail);

  try {
    await lifecycle.start(await service.parts({ config: reading.config, log, health, fail }));
    ready = true;
    if (!lifecycle.isStopping) log.info('started');
  } catch (error) {
    fail(error);
  }
}
