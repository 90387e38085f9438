export default async (...args) => (await import('../dist/support/global-teardown.js')).default(...args);
