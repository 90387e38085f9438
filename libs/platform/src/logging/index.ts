import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly service: string;
  readonly version?: string;
  readonly instance: string;
  readonly level: string;
  readonly destination?: DestinationStream;
}

/** An error's type, code, message and stack: nothing else it carries, since drivers hang queries and sockets on theirs. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error object' };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: withoutSecrets(error.message),
    stack: error.stack === undefined ? undefined : withoutSecrets(error.stack),
    ...(error.cause instanceof Error ? { cause: plainError(error.cause) } : {}),
  };
}

/** Tokens and passwords of connection URLs, wherever they stand in a text. */
const withoutSecrets = (text: string): string =>
  text.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[token]').replace(/(\w+:\/\/[^:/@\s]+):[^@\s]+@/g, '$1:[password]@');

const REDACTED = ['authorization', 'cookie', 'token', 'auth', 'password', 'secret', 'query'];
const paths = REDACTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** JSON lines: `time` (ISO, UTC), `level` as a word, `service`, `instance`, a constant `msg`, fields by the glossary's names. */
export function createLogger({ service, version = '0.1.0', instance, level, destination }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { service, version, instance },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: plainError, error: plainError },
      redact: { paths, censor: '[redacted]' },
      hooks: {
        logMethod(args, method) {
          const clean = args.map((arg) => (typeof arg === 'string' ? withoutSecrets(arg) : arg)) as typeof args;
          method.apply(this, clean);
        },
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}
