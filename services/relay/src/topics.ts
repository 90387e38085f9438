/**
 * What an operator runs before the first start and after Kafka was changed: `npm run topics -- check | create`. Each fault is a
 * sentence, with the command that mends it below.
 */
import { parseArgs } from 'node:util';

import { topicsOf, type TopicSpec } from '@tradesense/contracts';
import { connectAdmin, kafkaConnectionOf, type Admin } from '@tradesense/kafka';
import { EXIT, faultOf, kafkaRelations, readConfig } from '@tradesense/platform';

import { topicsSettings } from './settings.js';

const USAGE = `npm run topics -- check [--replication N]
npm run topics -- create [--replication N]

  check   tells what is wrong with the topics, and what mends it
  create  makes the topics that are missing, then checks all of them

  --replication N   copies of each record, 3 unless said otherwise; on a machine with one broker 1

Ends with 0: all is well; 1: there are faults; 64: wrong arguments; 69: Kafka can't be asked; 78: wrong settings.`;
const BAD_ARGUMENTS = 64;
const UNAVAILABLE = 69;
const DEADLINE_MS = 10_000;
const MOST_COPIES = 9;

type Verb = 'check' | 'create';
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

process.exitCode = await run();

async function run(): Promise<number> {
  const asked = askedFor(process.argv.slice(2));
  if (asked === undefined) {
    complain(USAGE);
    return BAD_ARGUMENTS;
  }
  const reading = readConfig(topicsSettings, process.env, kafkaRelations);
  if (!reading.ok) {
    complain(`topics: the configuration has faults:\n${reading.faults.map((fault) => `  - ${fault}`).join('\n')}`);
    return EXIT.badConfiguration;
  }
  const admin = connectAdmin(kafkaConnectionOf(reading.config, 'tradesense-topics'), { deadlineMs: DEADLINE_MS });
  try {
    return await serve(admin, asked, Object.values(topicsOf(reading.config.TOPIC_PREFIX)));
  } catch (error) {
    complain(`topics: ${faultOf(error).message}`);
    return UNAVAILABLE;
  } finally {
    await admin.close();
  }
}

interface Asked {
  readonly verb: Verb;
  readonly copies: number;
}

function askedFor(args: string[]): Asked | undefined {
  try {
    const options = { replication: { type: 'string', default: '3' } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [verb, ...more] = positionals;
    const copies = Number(values.replication);
    const isGood = Number.isInteger(copies) && copies >= 1 && copies <= MOST_COPIES && more.length === 0;
    return isGood && (verb === 'check' || verb === 'create') ? { verb, copies } : undefined;
  } catch {
    return undefined;
  }
}

async function serve(admin: Admin, { verb, copies }: Asked, topics: readonly TopicSpec[]): Promise<number> {
  if (verb === 'create') for (const name of await admin.ensureTopics(topics, copies)) say(`${name}: made`);
  const faults = await admin.checkTopics(topics, copies);
  for (const { topic, grade, what, mend } of faults) say(`${topic} ${what} (${grade})\n    ${mend}`);
  say(faults.length === 0 ? `${topics.length} topics are well` : `${faults.length} faults`);
  return faults.length === 0 ? EXIT.ok : 1;
}
