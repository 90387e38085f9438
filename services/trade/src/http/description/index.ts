/** What the API is, for those who call it: OpenAPI 3.1, made from the routes, and a page that shows it. */
export { Described } from './described.js';
export { describeApi, describeModule, type ApiDescription } from './document.js';
export { serveDescription } from './page.js';
export { SAMPLES } from './samples.js';
