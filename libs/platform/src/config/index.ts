export {
  DEVELOPMENT_SECRET,
  adminSettings,
  kafkaRelations,
  kafkaSettings,
  logSettings,
  tokenSettings,
} from './common.js';
export {
  describeConfig,
  printConfig,
  readConfig,
  type ConfigReading,
  type Environment,
  type Relations,
} from './read-config.js';
export {
  certificates,
  flag,
  integer,
  list,
  networks,
  oneOf,
  port,
  secret,
  secretUrl,
  text,
  url,
  type ConfigOf,
  type Declaration,
  type Reading,
  type Setting,
} from './setting.js';
