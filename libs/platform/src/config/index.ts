export { DEVELOPMENT_SECRET, adminSettings, kafkaSettings, logSettings, tokenSettings } from './common.js';
export { describeConfig, printConfig, readConfig, type ConfigReading, type Environment } from './read-config.js';
export {
  flag,
  integer,
  list,
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
