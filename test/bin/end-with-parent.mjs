/**
 * Preloaded into every process the tests start (`node --import`). Its standard input is a pipe held by the test: when the test
 * is killed, the pipe closes, and the process ends too, instead of holding ports of the next run (pitfall X3).
 */
process.stdin.once('end', () => process.exit(1)).once('error', () => process.exit(1));
process.stdin.resume();
process.stdin.unref?.(); // a service that is done must be able to end although the pipe is open
