/**
 * SIGHUP has the certificate of the listener read again. A faulty one is one line in the log, and the old one
 * stays.
 */
import type { RunningProxy } from "../cluster.ts";
import { readPairAgain } from "../config/certificate-settings.ts";
import type { TlsSettings } from "../models/settings.ts";
import type { Logger } from "../services/service-logger.ts";

/**
 * Listens for SIGHUP from now on.
 * @returns to be called with the proxy once it runs; what was asked for before happens then
 */
export function renewOnHangup(
  tls: TlsSettings,
  logger: Logger,
): (proxy: Pick<RunningProxy, "renewCertificate">) => void {
  const running = Promise.withResolvers<Pick<RunningProxy, "renewCertificate">>();
  process.on("SIGHUP", async () => {
    const proxy = await running.promise;
    const { reading, faults } = readPairAgain(tls);
    if (reading.pair === null) {
      const text = faults.map(({ path, fault }) => `${path}: ${fault}`).join("; ");
      logger.error({ faults: text }, "The TLS certificate cannot be renewed; the old one stays in use");
      return;
    }
    proxy.renewCertificate(reading.pair);
    const { validTo, warning } = reading;
    if (warning === null) logger.info({ validTo }, "The TLS certificate was read again, and is in use");
    else logger.warn({ validTo }, `The TLS certificate was read again, and is in use, but ${warning}`);
  });
  return running.resolve;
}
