/** Whether what each partition's rooms show is all there is: judged by the relay's watermarks. */
export { FreshnessStage, type StandingSink } from './freshness-stage.js';
