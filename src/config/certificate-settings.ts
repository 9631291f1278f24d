/**
 * The settings that name a certificate and its key: `server.tls`, and the client's certificate towards the
 * upstream. Faults name the setting, never what a file holds.
 */
import { resolve } from "node:path";
import type { ConfigFault } from "../models/errors.ts";
import type { CertificatePair, TlsSettings } from "../models/settings.ts";
import { type ConfigTree, type ConfigWarning, isTree } from "./config-tree.ts";
import { type PairFault, type PairReading, pathPattern, readCertificatePair } from "./pem-files.ts";

/** Where the paths of a pair stand in the file. */
interface PairSettings {
  readonly section: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

const serverPair = { section: ["server", "tls"], certificate: "certificate_file", key: "key_file" };
const clientPair = {
  section: ["upstream"],
  certificate: "client_certificate_file",
  key: "client_key_file",
};

/** The pairs that the configuration names; null where it names none, or one that is faulty. */
export interface CertificatePairs {
  readonly ofServer: CertificatePair | null;
  /** Towards the upstream. */
  readonly ofClient: CertificatePair | null;
}

/**
 * Reads them all.
 * @param tree raw settings, references expanded
 * @param directory the folder that relative paths start from
 */
export function readCertificatePairs(
  tree: ConfigTree,
  directory: string,
): { pairs: CertificatePairs; faults: ConfigFault[]; warnings: ConfigWarning[] } {
  const faults: ConfigFault[] = [];
  const warnings: ConfigWarning[] = [];
  const read = (settings: PairSettings): CertificatePair | null => {
    const section = settings.section.reduce<unknown>((at, name) => (isTree(at) ? at[name] : null), tree);
    const [certificateFile, keyFile] = [settings.certificate, settings.key].map((name) =>
      pathOf(section, name, directory),
    );
    if (certificateFile == null || keyFile == null) {
      faults.push(...findHalf(settings, section));
      return null;
    }
    const reading = readCertificatePair({ certificateFile, keyFile }, Date.now());
    if (reading.pair === null) faults.push(...reading.faults.map((each) => toFault(settings, each)));
    else if (reading.warning !== null) {
      warnings.push({ path: nameOf(settings, "certificate"), message: reading.warning });
    }
    return reading.pair;
  };
  const pairs = { ofServer: read(serverPair), ofClient: read(clientPair) };
  const isPlain = String(tree["api_url"]).trim().toLowerCase().startsWith("http:");
  if (pairs.ofClient !== null && isPlain) {
    const path = nameOf(clientPair, "certificate");
    warnings.push({ path, message: "without effect, as api_url is no https:// URL" });
  }
  return { pairs, faults, warnings };
}

/** Reads the files of `server.tls` again; faults are worded as at a start. */
export function readPairAgain(tls: TlsSettings): { reading: PairReading; faults: ConfigFault[] } {
  const reading = readCertificatePair(tls, Date.now());
  const faults = reading.pair === null ? reading.faults : [];
  return { reading, faults: faults.map((each) => toFault(serverPair, each)) };
}

/** Both or none: where the schema takes null for each, it cannot tell. */
function findHalf(settings: PairSettings, section: unknown): ConfigFault[] {
  if (settings !== clientPair || !isTree(section)) return [];
  const files = ["certificate", "key"] as const;
  const [given, ...more] = files.filter((file) => (section[settings[file]] ?? null) !== null);
  if (given === undefined || more.length > 0) return [];
  const missing = given === "key" ? "certificate" : "key";
  const fault = `it is missing beside ${nameOf(settings, given)}`;
  return [{ path: nameOf(settings, missing), fault, remedy: `${remedies[missing]} Or remove both.` }];
}

function pathOf(section: unknown, name: string, directory: string): string | null {
  const text = isTree(section) ? section[name] : null;
  return typeof text === "string" && pathPattern.test(text.trim()) ? resolve(directory, text.trim()) : null;
}

const remedies = {
  certificate: "Set the path of a PEM file with the certificate, then its chain.",
  key: "Set the path of a PEM file with the certificate's private key, without a passphrase.",
};

function toFault(settings: PairSettings, { file, fault }: PairFault): ConfigFault {
  return { path: nameOf(settings, file), fault: `it names ${fault}`, remedy: remedies[file] };
}

function nameOf(settings: PairSettings, file: PairFault["file"]): string {
  return [...settings.section, settings[file]].join(".");
}
