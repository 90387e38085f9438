/** Jest demands this file at start, even for unit tests on a tree that was never built; what it leads to is built by `tsc -b`. */
export default async (...args) => (await import('../dist/support/global-setup.js')).default(...args);
