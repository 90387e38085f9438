import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inRepository } from '../support/repository.js';

/** What hooks.py is told. */
export interface World {
  /** Whose token it is; null: one that sees everything. */
  readonly user: string | null;
  /** Ids that exist, by the name of their field. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
  /** What may be in no answer. */
  readonly foreign: readonly string[];
}
export interface Run {
  readonly python: string;
  readonly url: string;
  readonly token: string;
  readonly world: World;
  readonly examples: number;
  readonly seed: number;
  /** Also what is the same in every run: the examples, and the edges of each schema. Otherwise only what is drawn. */
  readonly isFirst?: boolean;
  /** Only these operations. */
  readonly method?: 'GET' | undefined;
}
export interface Seen {
  readonly ok: boolean;
  /** What Schemathesis said. */
  readonly output: string;
  readonly statuses: Readonly<Record<string, number>>;
  /** By `METHOD /path status`. */
  readonly operations: Readonly<Record<string, number>>;
}

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'nobody_elses',
];
const LONGEST_MS = 3_600_000;

/** Runs every operation of the description with one token, about `examples` times each. */
export async function runCases({
  python,
  url,
  token,
  world,
  examples,
  seed,
  isFirst = true,
  method,
}: Run): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const counts = join(folder, 'counts.json');
  const worldFile = join(folder, 'world.json');
  writeFileSync(worldFile, JSON.stringify({ ...world, counts }));
  const options = {
    '--header': `Authorization: Bearer ${token}`,
    '--checks': CHECKS.join(','),
    '--phases': isFirst ? 'examples,coverage,fuzzing,stateful' : 'fuzzing,stateful',
    '--max-examples': String(examples),
    '--seed': String(seed),
    '--suppress-health-check': 'all',
    '--request-timeout': '15',
    '--generation-database': 'none',
    '--warnings': 'off',
    ...(method === undefined ? {} : { '--include-method': method }),
  };
  try {
    const { code, output } = await ended(
      spawn(
        python,
        ['-m', 'schemathesis.cli', 'run', `${url}/openapi.json`, '--no-color', ...Object.entries(options).flat()],
        {
          cwd: folder,
          env: {
            PATH: process.env['PATH'],
            PYTHONDONTWRITEBYTECODE: '1',
            SCHEMATHESIS_HOOKS: inRepository('test/fuzz/hooks.py'),
            FUZZ_WORLD: worldFile,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
          timeout: LONGEST_MS,
        },
      ),
    );
    const seen = existsSync(counts) ? (JSON.parse(readFileSync(counts, 'utf8')) as Seen) : undefined;
    return {
      ok: code === 0 && seen !== undefined,
      output,
      statuses: seen?.statuses ?? {},
      operations: seen?.operations ?? {},
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ended(child: ReturnType<typeof spawn>): Promise<{ readonly code: number | null; readonly output: string }> {
  const output: Buffer[] = [];
  child.stdout?.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => output.push(bytes));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: Buffer.concat(output).toString() }));
  });
}
