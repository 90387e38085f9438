/** Hooks that start services and tests that break them take longer than 5 s. (Jest heeds `testTimeout` of no project.) */
import { jest } from '@jest/globals';

jest.setTimeout(60_000);
