import { jest } from '@jest/globals';

import { nodeFault } from '../../../infra/local/src/bootstrap/machine.mjs';

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly after?: readonly string[];
}
const { runAll } = (await import('../../bin/steps.mjs' as string)) as {
  runAll(steps: readonly Step[], options?: { width?: number; keepGoing?: boolean }): Promise<boolean>;
};

describe('a machine', () => {
  it.each(['20.19.0', '20.20.2', '22.13.0', '22.22.1', '24.11.0', '24.12.3'])('will do with Node.js %s', (version) => {
    expect(nodeFault(version)).toBeUndefined();
  });

  it.each(['18.20.8', '20.18.3', '21.7.3', '22.12.0', '23.11.0', '24.10.0', '25.0.0'])(
    'will not do with Node.js %s, and is told so in a sentence',
    (version) => {
      expect(nodeFault(version)).toContain(version);
      expect(nodeFault(version)).toContain('npx -y node@24');
    },
  );
});

describe('the steps of a script', () => {
  const said: string[] = [];
  const speaker = jest.spyOn(console, 'log');
  beforeEach(() => {
    said.length = 0;
    speaker.mockImplementation((text: unknown) => void said.push(String(text)));
  });
  afterAll(() => speaker.mockRestore());

  const step = (name: string, code: string, after: readonly string[] = []): Step => ({
    name,
    command: ['node', '-e', code],
    after,
  });
  const reports = (): readonly (string | undefined)[] =>
    said.map((line) => /^(ok|RED) +(\S+) /.exec(line)?.slice(1, 3).join(' ')).filter((line) => line !== undefined);

  it('are all told, with their times', async () => {
    expect(await runAll([step('one', ''), step('two', '')], { width: 1 })).toBe(true);
    expect(reports()).toEqual(['ok one', 'ok two']);
    expect(said[0]).toMatch(/\d\.\d s$/);
  });

  it('wait for those they name', async () => {
    await runAll([step('late', '', ['slow']), step('slow', 'setTimeout(() => {}, 100)')]);
    expect(reports()).toEqual(['ok slow', 'ok late']);
  });

  it('stop at the first red, whose output is shown, and no other’s', async () => {
    const started = performance.now();
    const steps = [
      step('endless', 'setTimeout(() => {}, 60_000)'),
      step('red', 'console.log("what is wrong"); process.exit(3)'),
      step('never', 'console.log("never")', ['red']),
    ];
    expect(await runAll(steps)).toBe(false);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(reports()).toEqual(['RED red']);
    expect(said.join('\n')).toContain('what is wrong');
    expect(said.join('\n')).not.toContain('never');
  });

  it('go on after a red one where that is wished, and are red in the end', async () => {
    const steps = [step('red', 'process.exit(1)'), step('green', '')];
    expect(await runAll(steps, { width: 1, keepGoing: true })).toBe(false);
    expect(reports()).toEqual(['RED red', 'ok green']);
  });

  it('end with all that they have started, even what spins', async () => {
    const spinning = `require('node:child_process').spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'inherit' })`;
    const started = performance.now();
    expect(await runAll([step('spinning', spinning), step('red', 'setTimeout(() => process.exit(1), 300)')])).toBe(
      false,
    );
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('are red when they can not be started', async () => {
    expect(await runAll([{ name: 'odd', command: ['/nowhere/at-all'] }])).toBe(false);
    expect(said.join('\n')).toContain('/nowhere/at-all can not be started');
  });
});
