import kafkajs, { type Kafka, type LogEntry, type SASLOptions } from 'kafkajs';
import type { Logger } from '../../telemetry/logger.ts';
import { quietIdleConnections, requireHandshake } from './kafkajs-internals.ts';
import { registerZstd } from './zstd-codec.ts';

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaAddress {
  /** host:port each. */
  readonly brokers: readonly string[];
  readonly tls: boolean;
  readonly sasl?: KafkaSasl | undefined;
}

/** Clients of one cluster. They differ in how long they try: `patient` carries events, `quick` asks how things are. */
export interface KafkaClients {
  readonly patient: Kafka;
  readonly quick: Kafka;
}

export function createKafkaClients(address: KafkaAddress, logger: Logger): KafkaClients {
  quietIdleConnections();
  requireHandshake();
  registerZstd();
  const base = {
    clientId: 'tallygate',
    brokers: [...address.brokers],
    ssl: address.tls,
    ...(address.sasl && { sasl: { ...address.sasl } as SASLOptions }),
    connectionTimeout: 3000,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => toLogFunction(logger),
  };
  const backoff = { factor: 0.2, multiplier: 2 };
  return {
    patient: new kafkajs.Kafka({
      ...base,
      requestTimeout: 15_000,
      retry: { ...backoff, retries: 8, initialRetryTime: 100, maxRetryTime: 2000 },
    }),
    quick: new kafkajs.Kafka({
      ...base,
      requestTimeout: 5000,
      retry: { ...backoff, retries: 2, initialRetryTime: 50, maxRetryTime: 200 },
    }),
  };
}

/**
 * How often the same message is let through, in milliseconds: a broker that is away makes kafkajs say so several times
 * a second.
 */
const sameMessageMs = 10_000;

function toLogFunction(logger: Logger): (entry: LogEntry) => void {
  const lastSaid = new Map<string, number>();
  return ({ namespace, level, log: { message, error, groupId } }) => {
    if (level > kafkajs.logLevel.WARN) return logger.debug({ namespace, groupId }, `kafkajs: ${message}`);
    const now = Date.now();
    if (now - (lastSaid.get(message) ?? 0) < sameMessageMs) return;
    if (lastSaid.size > 1000) lastSaid.clear();
    lastSaid.set(message, now);
    // kafkajs calls an error what it goes on to try again: what can't be mended is reported by the adapter itself.
    logger.warn({ namespace, groupId, ...(typeof error === 'string' && { reason: error }) }, `kafkajs: ${message}`);
  };
}
