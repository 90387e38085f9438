import { Controller, Get, Inject, Param } from '@nestjs/common';

import type { Program, Programs } from '../domain/index.js';
import { Described } from './description/index.js';
import { For } from './for.js';
import { ProblemError } from './problem.js';

export const PROGRAMS = Symbol('programs');

/** The documents that challenges are judged by, as they were saved. */
@Controller('v1/programs')
export class ProgramsController {
  constructor(@Inject(PROGRAMS) private readonly programs: Programs) {}

  /** The latest version of each. */
  @Described({ says: 'Lists the programs, each in its latest version.', answers: 'ProgramPage' })
  @Get()
  @For('anyone')
  list() {
    const latest = new Map(this.programs.all().map((program) => [program.id, program]));
    return { items: [...latest.values()].map(documentOf) };
  }

  @Described({ says: 'A program in its latest version.', answers: 'Program' })
  @Get(':id')
  @For('anyone')
  read(@Param('id') id: string) {
    const program = this.programs.latest(id);
    if (program === undefined) throw new ProblemError('not-found');
    return documentOf(program);
  }
}

const documentOf = ({ document }: Program): unknown => document;
