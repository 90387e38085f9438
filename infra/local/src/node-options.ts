/**
 * What a batch of trades leaves behind dies young, but not within the 16 MB that Node.js gives it: copied once more, it costs a
 * seventh of a trade. Only the environment or the command line can say it (decision 013; docker-compose.yml says the same).
 */
export const TRADE_NODE_OPTIONS = '--max-semi-space-size=32';

/**
 * A collection of the old generation holds up a gateway's messages for 200 ms or more, so there should be few (decision 014).
 * It begins with room for what outlives young collections. And what is made for each record stays young: after a warm start, in
 * which records wait for their turn, V8 would put them among the old ones at once, and each answer of Kafka's with them. Only the
 * command line can say the first (docker-compose.yml says the same).
 */
export const GATEWAY_NODE_FLAGS: readonly string[] = [
  '--initial-old-space-size=512',
  '--no-allocation-site-pretenuring',
];
