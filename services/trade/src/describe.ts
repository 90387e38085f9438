import 'reflect-metadata';

import { describeModule, type ApiDescription } from './http/index.js';
import { TradeModule, type TradeParts } from './trade.module.js';

/** The API's description, for `docs/openapi.json`: made from the code alone, the same that `/openapi.json` serves. */
export const apiDescription = (): Promise<ApiDescription> => describeModule(TradeModule.of({} as TradeParts));
