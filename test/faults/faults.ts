import { embeddedKilled, embeddedStopped, powerLost } from './e1-embedded-killed.ts';
import { gatewayKilled } from './f01-gateway-killed.ts';
import { sinkKilled } from './f02-sink-killed.ts';
import { sinkStopped } from './f03-sink-stopped.ts';
import { leaderKilled } from './f04-leader-killed.ts';
import { answerLost } from './f05-answer-lost.ts';
import { brokerStopped, leaderStopped } from './f06-broker-stopped.ts';
import { partitions, slowNetwork } from './f07-partition.ts';
import { warehouseInTrouble, warehouseKilled } from './f08-warehouse-in-trouble.ts';
import { diskFull } from './f09-disk-full.ts';
import { rebalanceStorm } from './f10-rebalance-storm.ts';
import { killedInCall } from './f11-killed-in-call.ts';
import { cacheInTrouble } from './f12-cache.ts';
import { poison } from './f13-poison.ts';
import { duplicates, offsetsReset, topicRecreated } from './f14-duplicates.ts';
import { clockJumps } from './f15-clock-jumps.ts';
import { graphqlAbuse } from './f16-graphql-abuse.ts';
import { rollingUpgrade } from './f17-rolling-upgrade.ts';
import { logAway } from './f19-log-away.ts';
import type { Fault } from './fault.ts';

/** All of them, in the order of the table. */
export const faults: readonly Fault[] = [
  gatewayKilled,
  embeddedKilled,
  ...sinkKilled,
  powerLost,
  sinkStopped,
  embeddedStopped,
  leaderKilled,
  answerLost,
  brokerStopped,
  leaderStopped,
  ...partitions,
  slowNetwork,
  warehouseInTrouble,
  warehouseKilled,
  ...diskFull,
  rebalanceStorm,
  ...killedInCall,
  cacheInTrouble,
  poison,
  duplicates,
  topicRecreated,
  offsetsReset,
  clockJumps,
  graphqlAbuse,
  rollingUpgrade,
  logAway,
];
