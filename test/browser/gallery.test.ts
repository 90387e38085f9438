import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';

import { openBrowser } from '../support/browser.js';
import { Processes, type ServiceProcess } from '../support/processes.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('the page in each of its states', () => {
  const processes = new Processes();
  let server: ServiceProcess;
  let browser: Browser;

  beforeAll(async () => {
    server = await processes.start({
      name: 'dashboard',
      entry: 'services/dashboard/dist/server/main.js',
      env: {
        DASHBOARD_PORT: '0',
        ADMIN_PORT: '0',
        GATEWAY_URL: 'ws://127.0.0.1:9',
        TRADE_URL: 'http://127.0.0.1:9',
      },
    });
    await server.ready();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await processes.stop();
  });

  interface Look {
    readonly width: number;
    readonly colorScheme: 'dark' | 'light';
  }
  async function open({ width, colorScheme }: Look): Promise<{ page: Page; complaints: readonly string[] }> {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`http://127.0.0.1:${server.port}/#gallery`);
    await page.locator('[data-sample="denied"]').waitFor();
    await page.locator('[data-sample="live"] canvas').first().waitFor();
    return { page, complaints };
  }

  it.each([
    { width: 320, colorScheme: 'dark' },
    { width: 768, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
    { width: 1280, colorScheme: 'light' },
  ] as const)('is accessible, fits its width and keeps its own policy: $width px, $colorScheme', async (look) => {
    const { page, complaints } = await open(look);
    // The page's policy lets no script in from outside, so axe is evaluated instead of added.
    await page.evaluate(axe);
    const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults;
    expect(results.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('never leaves figures that may be old blank, and says so in words', async () => {
    const { page } = await open({ width: 1280, colorScheme: 'dark' });
    for (const name of ['stale', 'reconnecting', 'token expired']) {
      const sample = page.locator(`[data-sample="${name}"]`);
      expect(await sample.getByTestId('equity').innerText()).toBe('10,126.00');
      expect(await sample.locator('.is-stale').count()).toBe(1);
      expect(await sample.locator('[data-connection]').innerText()).toMatch(/Figures as of \d\d:\d\d:\d\d/);
    }
    await page.context().close();
  });

  it('tells a breach by rule, figure, limit and time, until it is dismissed', async () => {
    const { page } = await open({ width: 1280, colorScheme: 'dark' });
    const banner = page.locator('[data-sample="failed"] [role="alert"]');
    expect(await banner.innerText()).toMatch(
      /Failed: daily loss limit breached\s+Equity 9,480\.00 is below the floor of 9,500\.00 \(limit 5\.00 %\), 25 Nov at/,
    );
    await banner.getByRole('button', { name: 'Dismiss' }).click();
    expect(await banner.count()).toBe(0);
    await page.context().close();
  });

  it('shows nothing of a challenge that is denied', async () => {
    const { page } = await open({ width: 1280, colorScheme: 'dark' });
    const text = await page.locator('[data-sample="denied"]').innerText();
    expect(text).toContain('Access denied');
    expect(text).not.toMatch(/\d\.\d\d/);
    await page.context().close();
  });

  it('gives every place for pressing 24 px at least', async () => {
    const { page } = await open({ width: 320, colorScheme: 'dark' });
    const small = await page.evaluate(
      `[...document.querySelectorAll('button')].map((button) => button.getBoundingClientRect())
         .filter(({ width, height }) => width < 24 || height < 24).length`,
    );
    expect(small).toBe(0);
    await page.context().close();
  });
});
