import { isDeepStrictEqual } from 'node:util';

import type { Logger, Part } from '@tradesense/platform';

import {
  UnknownProgram,
  offer,
  programsOf,
  readProgram,
  type Program,
  type ProgramRef,
  type Programs,
} from '../domain/index.js';
import { DatabaseUnavailable, insertPrograms, readPrograms, type Queries } from '../store/index.js';
import { BadProgram, readDocuments } from './program-files.js';

/**
 * The programs of this installation. The table is authoritative: a version that is in it never changes, since challenges are
 * judged by it, and stays when its file is gone. Files only add to it, once, at the start. What another instance has added
 * since is found when it is first asked for.
 */
export class ProgramShelf implements Part, Programs {
  readonly name = 'programs';
  #programs: Programs = programsOf([]);
  #reading: Promise<void> | undefined;

  constructor(
    private readonly queries: Queries,
    private readonly folders: readonly string[],
    private readonly log: Logger,
  ) {
    offer(this);
  }

  /** @throws BadProgram when a document can not be evaluated, or has another content than its version had before */
  async start(): Promise<void> {
    const documents = readDocuments(this.folders);
    await insertPrograms(this.queries, documents);
    await this.#read();
    for (const program of documents)
      if (!isDeepStrictEqual(this.of(program).document, program.document))
        throw new BadProgram(`program ${program.id}`, [
          { path: '/version', message: `must be above ${program.version}: this one is known with another content` },
        ]);
  }

  async stop(): Promise<void> {
    await this.#reading;
  }

  /**
   * @throws DatabaseUnavailable for one that is not known here (yet): the table is read again, and the command may be repeated
   */
  of(ref: ProgramRef): Program {
    try {
      return this.#programs.of(ref);
    } catch (error) {
      if (!(error instanceof UnknownProgram)) throw error;
      this.#reading ??= this.#readAgain();
      throw new DatabaseUnavailable('not_applied', error);
    }
  }

  latest(id: string): Program | undefined {
    const found = this.#programs.latest(id);
    if (found === undefined) this.#reading ??= this.#readAgain();
    return found;
  }

  all(): readonly Program[] {
    return this.#programs.all();
  }

  async #read(): Promise<void> {
    this.#programs = programsOf((await readPrograms(this.queries)).map(programFrom));
  }

  async #readAgain(): Promise<void> {
    await this.#read().catch((err: unknown) => this.log.warn({ err }, 'the programs were not read again'));
    this.#reading = undefined;
  }
}

/** What is in the table could be evaluated when it was put there. */
function programFrom(document: unknown): Program {
  const reading = readProgram(document);
  if (!reading.ok) throw new BadProgram('a program of the database', reading.errors);
  return reading.program;
}
