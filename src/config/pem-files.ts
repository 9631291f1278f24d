/**
 * Reads PEM files: authorities, and certificates with their keys. All is parsed here: a broken file would
 * fail at the first connection, far from its cause. It must not show what a file holds.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CertificatePair } from "../models/settings.ts";
import { readRegularFile } from "./text-file.ts";

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
const keyBlock = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;

/** The text of a path setting; PEM text in its place would be a secret in the wrong one. */
export const pathPattern = /^(?!-----BEGIN)./;

/** @returns the certificates of a file, or what it is, to follow "it names" */
export function readCertificates(path: string): { certificates: string } | { fault: string } {
  const reading = readRegularFile(path);
  if (reading.text === null) return { fault: reading.fault };
  const blocks = reading.text.match(certificateBlock) ?? [];
  if (blocks.length === 0) return { fault: "a file without a PEM certificate" };
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    return { fault: "a file with a certificate that cannot be parsed" };
  }
  return { certificates: `${blocks.join("\n")}\n` };
}

/** Paths, as the operating system takes them. */
export interface PairFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** What is wrong with one file of a pair, to follow "it names". */
export interface PairFault {
  readonly file: "certificate" | "key";
  readonly fault: string;
}

/** A pair that belongs together, with until when it is valid (ISO 8601), or all that is wrong with it. */
export type PairReading =
  | { readonly pair: CertificatePair; readonly validTo: string; readonly warning: string | null }
  | { readonly pair: null; readonly faults: readonly PairFault[] };

/**
 * Reads a certificate with its chain, the own one first, and its private key.
 * @param nowMs the time of day, which certificates are valid or not at
 */
export function readCertificatePair({ certificateFile, keyFile }: PairFiles, nowMs: number): PairReading {
  const certificates = readCertificates(certificateFile);
  const key = readKey(keyFile);
  const faults: PairFault[] = [];
  if ("fault" in certificates) faults.push({ file: "certificate", fault: certificates.fault });
  if ("fault" in key) faults.push({ file: "key", fault: key.fault });
  if ("fault" in certificates || "fault" in key) return { pair: null, faults };
  const own = new X509Certificate(certificates.certificates);
  if (!own.checkPrivateKey(key.parsed)) {
    return { pair: null, faults: [{ file: "key", fault: "a key of another certificate" }] };
  }
  const pair = { certificate: certificates.certificates, key: key.text };
  try {
    createSecureContext({ cert: pair.certificate, key: pair.key });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fault = `a certificate that cannot be used (${code ?? "unknown error"})`;
    return { pair: null, faults: [{ file: "certificate", fault }] };
  }
  return { pair, validTo: own.validToDate.toISOString(), warning: warningOf(own, nowMs) };
}

function warningOf({ validFromDate, validToDate }: X509Certificate, nowMs: number): string | null {
  if (validToDate.getTime() <= nowMs) {
    return `the certificate has expired on ${validToDate.toISOString()}: peers will refuse it`;
  }
  if (validFromDate.getTime() > nowMs) {
    return `the certificate is not valid before ${validFromDate.toISOString()}: peers will refuse it`;
  }
  return null;
}

function readKey(path: string): { text: string; parsed: KeyObject } | { fault: string } {
  const reading = readRegularFile(path);
  if (reading.text === null) return { fault: reading.fault };
  if (!keyBlock.test(reading.text)) return { fault: "a file without a PEM private key" };
  if (encryptedKey.test(reading.text)) return { fault: "a key with a passphrase" };
  try {
    return { text: reading.text, parsed: createPrivateKey(reading.text) };
  } catch {
    return { fault: "a file with a key that cannot be parsed" };
  }
}
