/** jsdom, with what every browser has and jsdom leaves out. For tests of pages: `@jest-environment ./test/bin/jest-page-environment.mjs` */
import { TestEnvironment } from 'jest-environment-jsdom';

export default class extends TestEnvironment {
  async setup() {
    await super.setup();
    const { global } = this;
    Object.assign(global, { TextDecoder, TextEncoder });
  }
}
