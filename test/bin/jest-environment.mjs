/**
 * Jest's environment for Node.js, plus one package loaded by Node itself: jwks-rsa is CommonJS and requires an ES module, which
 * Jest's own loader can not before Node.js 24.9.
 */
import { createRequire } from 'node:module';

import { TestEnvironment } from 'jest-environment-node';

const require = createRequire(import.meta.url);

export default class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.defineProperty(this.global, 'jwksRsa', { configurable: true, get: () => require('jwks-rsa') });
  }
}
