import { spawn, type ChildProcess } from 'node:child_process';

import { inRepository } from '../../support/repository.js';
import { until, within } from '../../support/until.js';

const SECRET = 'hunter2-hunter2-hunter2';

interface Line {
  readonly msg?: string;
  readonly part?: string;
  readonly port?: number;
  readonly code?: number;
}

class Probe {
  output = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
    this.#child = spawn(process.execPath, [inRepository('test/dist/support/probe-service.js'), ...args], {
      env: { KEY: SECRET, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  get lines(): readonly Line[] {
    const lines = this.output.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Line);
  }

  /** Names of the parts in the order in which they came up or went down. */
  parts(msg: 'part started' | 'part stopped'): readonly (string | undefined)[] {
    return this.lines.filter((line) => line.msg === msg).map(({ part }) => part);
  }

  logs(msg: string): Promise<Line | undefined> {
    return until(() => this.lines.find((line) => line.msg === msg), Boolean, { what: `"${msg}" in\n${this.output}` });
  }

  async readiness(): Promise<number> {
    const { port } = (await this.logs('admin listening')) ?? {};
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  exit(): Promise<number | null> {
    return within(10_000, `the probe ends; it said\n${this.output}`, this.ended);
  }
}

const probes: Probe[] = [];
function probe(...args: ConstructorParameters<typeof Probe>): Probe {
  const started = new Probe(...args);
  probes.push(started);
  return started;
}
afterEach(async () => {
  for (const started of probes.splice(0)) {
    started.signal('SIGKILL');
    await started.exit();
    expect(started.output).not.toContain(SECRET);
  }
});

describe('a service', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops in reverse order on %s, and ends with 0', async (signal) => {
    const service = probe();
    await service.logs('started');
    expect(await service.readiness()).toBe(200);
    service.signal('SIGHUP'); // is nothing to it
    service.signal(signal);
    expect(await service.exit()).toBe(0);
    expect(service.parts('part started')).toEqual(['first', 'upset', 'last']);
    expect(service.parts('part stopped')).toEqual(['last', 'upset', 'first']);
  });

  it('names all faults of its configuration, shows no value, and ends with 78', async () => {
    const service = probe({ KEY: '', MOOD: SECRET, STOP_MS: SECRET });
    expect(await service.exit()).toBe(78);
    expect(service.output.split('\n').filter((line) => line.startsWith('  - '))).toHaveLength(3);
    expect(service.lines).toEqual([]);
  });

  it('prints its configuration without secrets, and where each value came from', async () => {
    const service = probe({ LOG_LEVEL: 'warn' }, ['--print-config']);
    expect(await service.exit()).toBe(0);
    expect(service.output).toContain('KEY=********  # environment\n');
    expect(service.output).toContain('LOG_LEVEL=warn  # environment\n');
    expect(service.output).toContain('STOP_MS=10000  # default\n');
  });

  it('stops what has started when a part fails to start, and ends with 1', async () => {
    const service = probe({ MOOD: 'fails-to-start' });
    expect(await service.exit()).toBe(1);
    expect(service.parts('part stopped')).toEqual(['upset', 'first']);
    expect(service.parts('part started')).toEqual(['first']);
  });

  it.each(['throws-later', 'rejects-later'])(
    'that %s, where nobody catches it, stops in order and ends with 1',
    async (MOOD) => {
      const service = probe({ MOOD });
      expect(await service.exit()).toBe(1);
      expect(service.parts('part stopped')).toEqual(['last', 'upset', 'first']);
    },
  );

  it('stops the other parts when one fails to stop', async () => {
    const service = probe({ MOOD: 'fails-to-stop' });
    await service.logs('started');
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    expect(service.parts('part stopped')).toEqual(['last', 'first']);
  });

  it('that does not stop in time is not ready meanwhile, and ends with 1', async () => {
    const service = probe({ MOOD: 'hangs-at-stop', STOP_MS: '1000' });
    await service.logs('started');
    service.signal('SIGTERM');
    await service.logs('stopping');
    expect(await service.readiness()).toBe(503);
    expect(await service.exit()).toBe(1);
    expect(await service.logs('did not stop in time')).toBeDefined();
  });

  it('ends at once at a second signal, with 1', async () => {
    const service = probe({ MOOD: 'hangs-at-stop', STOP_MS: '60000' });
    await service.logs('started');
    service.signal('SIGTERM');
    await service.logs('stopping');
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(1);
  });
});
