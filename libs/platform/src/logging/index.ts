import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

import { CENSORED, SECRET_NAMES, withoutSecretFields, withoutSecretTexts } from './secrets.js';

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
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: plainError(error.cause) } : {}),
  };
}

/**
 * JSON lines: `time` (ISO, UTC), `level` as a word, `service`, `instance`, a constant `msg`, fields by the glossary's names.
 * Secrets are kept out twice: fields by their names at any depth, and texts by their looks in the finished line.
 */
export function createLogger({ service, version = '0.1.0', instance, level, destination }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { service, version, instance },
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: withoutSecretFields,
      },
      serializers: { err: plainError, error: plainError },
      // A child's own fields do not pass `formatters.log`.
      redact: { paths: SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: CENSORED },
      hooks: { streamWrite: withoutSecretTexts },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}
