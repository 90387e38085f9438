import { existsSync } from 'node:fs';

import { chromium, type Browser } from 'playwright-core';

const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable'];

/** The Chromium of this machine; it reaches for nothing outside of the test. */
export function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROME_PATH'] || INSTALLED.find((file) => existsSync(file));
  if (executablePath === undefined) throw new Error('no Chromium found: install one, or name it in CHROME_PATH');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', // which root can not have
      '--headless=new',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
