/**
 * Certificates and keys for tests, made by openssl and valid until 2126, all but `expired`. They must not be
 * used elsewhere: their keys are public. `server` is signed by `authority`, the others by themselves.
 */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeTemporaryFolder } from "./temporary-folder.ts";

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

/** Files of the server's certificate and key, which a test may replace; they are gone when it is done. */
export function makePairFiles() {
  const folder = makeTemporaryFolder("tls");
  const certificate_file = join(folder.path, "tls.crt");
  const key_file = join(folder.path, "tls.key");
  const replace = (certificate: Pair, key: Pair = certificate) => {
    copyFileSync(pemPath(`${certificate}.pem`), certificate_file);
    copyFileSync(pemPath(`${key}-key.pem`), key_file);
  };
  replace("server");
  return {
    section: { certificate_file, key_file },
    replace,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
