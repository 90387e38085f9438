/**
 * What a batch of trades leaves behind dies young, but not within the 16 MB that Node.js gives it: copied once more, it costs a
 * seventh of a trade. Only the environment or the command line can say it (decision 013; docker-compose.yml says the same).
 */
export const TRADE_NODE_OPTIONS = '--max-semi-space-size=32';

/**
 * Of a gateway's old generation nearly all is rings, which live for minutes. V8 would begin with little and look through all of it
 * each time it has grown by some tens of megabytes, for 200 ms or more on every processor: with this it begins once rings are
 * full. Only the command line can say it (decision 014; docker-compose.yml says the same).
 */
export const GATEWAY_NODE_FLAGS: readonly string[] = ['--initial-old-space-size=512'];
