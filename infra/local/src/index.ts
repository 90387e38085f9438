/** Real PostgreSQL and real Kafka on one machine, with links that can break: for tests and for `npm start`. */
export { DATABASE, databaseUrl, type Address, type DatabaseRole } from './database.js';
export { sweep } from './folders.js';
export { jars, java } from './native/java.js';
export { GATEWAY_NODE_FLAGS, TRADE_NODE_OPTIONS } from './node-options.js';
export { freePort } from './ports.js';
export { KeptProcess, type Exit, type ProcessSpec } from './process/kept-process.js';
export type { Server } from './server.js';
export type { KafkaDoor } from './kafka.js';
export { LOOPBACK, type Link, type Place, type Route } from './links.js';
export { serversAt, startStack, type Servers, type Stack, type StackOptions } from './stack.js';
export { TcpProxy } from './tcp-proxy.js';
