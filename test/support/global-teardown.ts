export { stopAfterRun as default } from './run-stack.js';
