import { defineScript } from 'redis';

/*
 * What Redis holds, all of it in one slot of a cluster and all of it expiring:
 *   {<prefix>seats}:gateways         sorted set: gateways, by when they are given up
 *   {<prefix>seats}:<gateway>:<n>    hash: of one gateway, users and how many connections each has there
 * Each script is atomic, and the clock is Redis's own.
 */

const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** 1, and this gateway's count is written, if with the others' it is within the limit. Who is not sure to be known says so again. */
const CLAIM = `${NOW}
local own, shards, shard, field, count, limit, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local total = tonumber(count)
for _, gateway in ipairs(redis.call('ZRANGE', KEYS[1], now, '+inf', 'BYSCORE')) do
  if gateway ~= own then
    total = total + (tonumber(redis.call('HGET', shards .. gateway .. ':' .. shard, field)) or 0)
  end
end
if total > tonumber(limit) then return 0 end
redis.call('HSET', KEYS[2], field, count)
redis.call('PEXPIRE', KEYS[2], ttl)
redis.call('ZADD', KEYS[1], now + ttl, own)
redis.call('PEXPIRE', KEYS[1], ttl)
return 1`;

const PUT = `local field, count, ttl = ARGV[1], ARGV[2], ARGV[3]
if count == '0' then return redis.call('HDEL', KEYS[1], field) end
redis.call('HSET', KEYS[1], field, count)
return redis.call('PEXPIRE', KEYS[1], ttl)`;

/** In place of whatever was there: of an earlier moment, if Redis was restored from a copy. */
const PUT_ALL = `${NOW}
local own, ttl = ARGV[1], ARGV[2]
redis.call('DEL', KEYS[2])
for index = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[index], ARGV[index + 1]) end
redis.call('PEXPIRE', KEYS[2], ttl)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ttl, own)
return redis.call('PEXPIRE', KEYS[1], ttl)`;

function scriptOf(SCRIPT: string, keys: number) {
  return defineScript({
    SCRIPT,
    NUMBER_OF_KEYS: keys,
    parseCommand(parser, ...args: string[]) {
      for (const key of args.slice(0, keys)) parser.pushKey(key);
      parser.push(...args.slice(keys));
    },
    transformReply: undefined as unknown as () => number,
  });
}

export const scripts = { claim: scriptOf(CLAIM, 2), put: scriptOf(PUT, 1), putAll: scriptOf(PUT_ALL, 2) };
