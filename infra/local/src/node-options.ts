/**
 * What a batch of trades leaves behind dies young, but not within the 16 MB that Node.js gives it: copied once more, it costs a
 * seventh of a trade. Only the environment or the command line can say it (decision 013; docker-compose.yml says the same).
 */
export const TRADE_NODE_OPTIONS = '--max-semi-space-size=32';
