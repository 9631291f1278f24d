/**
 * Has the certificate of the listener read again. A faulty one is one line in the log, and the old one stays.
 */
import type { RunningProxy } from "../cluster.ts";
import { readPairAgain } from "../config/certificate-settings.ts";
import type { TlsSettings } from "../models/settings.ts";
import type { Logger } from "../services/service-logger.ts";

/** Reads the files that the settings of the start name. */
export function renewCertificate(
  tls: TlsSettings,
  proxy: Pick<RunningProxy, "renewCertificate">,
  logger: Logger,
): void {
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
}
