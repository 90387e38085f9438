export { startForRun as default } from './run-stack.js';
