import type { Config } from '../config.ts';
import { isEmbedded, openCache, openLog, openWarehouse, type Telemetry } from './backends.ts';
import { type GatewayPart, startGatewayPart } from './gateway.ts';
import { startSinkPart } from './sink.ts';

/** `tallygate serve`: gateway and sink in one process, with whatever backends are set. */
export async function runServe(
  config: Config,
  telemetry: Telemetry,
  onCrash: (reason: unknown) => void,
): Promise<GatewayPart> {
  // The log first: it says at once when another process has the folder.
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  const cache = openCache(config, telemetry);
  if (isEmbedded(config).warehouse) await warehouse.migrate();
  const gateway = await startGatewayPart(config, { log, warehouse, cache }, telemetry);
  const sink = startSinkPart(config, { log, warehouse }, telemetry, onCrash);
  return {
    url: gateway.url,
    async stop(deadlineMs) {
      const until = Date.now() + deadlineMs;
      // Nothing new is acknowledged any more before the last of it is stored.
      await gateway.stop(deadlineMs / 2);
      await sink.stop(Math.max(1000, until - Date.now()));
      await Promise.allSettled([log.close(), warehouse.close(), cache.close()]);
    },
  };
}
