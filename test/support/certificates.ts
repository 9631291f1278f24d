/**
 * Certificates and keys for tests, made by openssl and valid until 2126, all but `expired`. They must not be
 * used elsewhere: their keys are public. `server` is signed by `authority`, the others by themselves.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

type Pair = "server" | "renewed" | "client" | "expired";

function pemPath(name: string): string {
  return fileURLToPath(new URL(`./certificates/${name}`, import.meta.url));
}

export function pem(name: string): string {
  return readFileSync(pemPath(name), "utf8");
}

/** For `server.tls`. */
export function tlsSection(pair: Pair = "server") {
  return { certificate_file: pemPath(`${pair}.pem`), key_file: pemPath(`${pair}-key.pem`) };
}

/** Files of a certificate and its key that a test may replace. */
export function makePairFiles(pair: Pair = "server") {
  const folder = mkdtempSync(join(tmpdir(), "flag-edge-proxy-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [certificate_file, key_file] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const replace = (certificate: Pair, key: Pair = certificate) => {
    copyFileSync(pemPath(`${certificate}.pem`), certificate_file);
    copyFileSync(pemPath(`${key}-key.pem`), key_file);
  };
  replace(pair);
  return { section: { certificate_file, key_file }, replace };
}
