/** `npm run stack`: PostgreSQL and Kafka on fixed ports, with database, tables and topics. */
import { main } from './run.mjs';

await main('runStack');
