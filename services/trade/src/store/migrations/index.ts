import { Acts1700000000007 } from './1700000000007-acts.js';
import { OneWayToATrade1700000000008 } from './1700000000008-one-way-to-a-trade.js';
import { Programs1700000000006 } from './1700000000006-programs.js';
import { Trade1700000000002 } from './1700000000002-trade.js';

/** Run after the outbox's. */
export const TRADE_MIGRATIONS = [
  Trade1700000000002,
  Programs1700000000006,
  Acts1700000000007,
  OneWayToATrade1700000000008,
] as const;
