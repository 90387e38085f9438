import 'reflect-metadata';
import { kafkaRelations, runService } from '@tradesense/platform';

import { partsOf } from './parts.js';
import { settings } from './settings.js';

await runService({ name: 'gateway', settings, relations: kafkaRelations, parts: partsOf });
