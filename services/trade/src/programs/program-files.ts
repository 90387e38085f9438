import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readProgram, type FieldError, type Program } from '../domain/index.js';

/** The presets that come with the product. */
export const PRESETS_DIR = fileURLToPath(new URL('../../programs', import.meta.url));

/** A document that can not be evaluated, or contradicts what is known: the service does not start with it. */
export class BadProgram extends Error {
  constructor(
    readonly file: string,
    errors: readonly FieldError[],
  ) {
    super(
      `${file}: ${errors.map(({ path, message }) => `${path === '' ? 'the document' : path} ${message}`).join('; ')}`,
    );
  }
}

/**
 * All `*.json` of the folders; an empty name is no folder.
 * @throws BadProgram naming each field at fault; whatever the file system throws for a folder that is not there
 */
export const readDocuments = (folders: readonly string[]): readonly Program[] =>
  folders
    .filter((folder) => folder !== '')
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .toSorted()
        .map((name) => programIn(join(folder, name))),
    );

function programIn(file: string): Program {
  const reading = readProgram(parsed(file));
  if (!reading.ok) throw new BadProgram(file, reading.errors);
  return reading.program;
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadProgram(file, [{ path: '', message: 'is not JSON' }]);
    throw error;
  }
}
