/**
 * What surrounds the way to the upstream: forward proxies and certificate authorities, from variables that
 * many programs share and from `upstream.ca_file`. It must not show a proxy's password.
 */
import { resolve } from "node:path";
import type { ConfigFault } from "../models/errors.ts";
import { type ConfigTree, type ConfigWarning, isTree } from "./config-tree.ts";
import type { Environment } from "./environment-variables.ts";
import { readCertificates } from "./pem-files.ts";
import { readProxyUrl } from "./url-readers.ts";

/** The parts of `UpstreamSettings` that are not in the configuration file as they are. */
export interface UpstreamSurroundings {
  readonly caCertificates: string | null;
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  readonly noProxy: string | null;
}

/**
 * Reads them all.
 *
 * @param tree raw settings, references expanded; `upstream.ca_file` wins over `SSL_CERT_FILE`
 * @param directory the folder that a relative `ca_file` starts from
 */
export function readSurroundings(
  tree: ConfigTree,
  directory: string,
  environment: Environment,
): { surroundings: UpstreamSurroundings; faults: ConfigFault[]; warnings: ConfigWarning[] } {
  const faults: ConfigFault[] = [];
  const warnings: ConfigWarning[] = [];
  const caFile = isTree(tree["upstream"]) ? tree["upstream"]["ca_file"] : null;
  const everyProxy = readProxy(environment, "all_proxy", faults);
  const surroundings = {
    caCertificates:
      typeof caFile === "string"
        ? readConfiguredCertificates(resolve(directory, caFile.trim()), faults)
        : readAmbientCertificates(environment, warnings),
    httpProxy: readProxy(environment, "http_proxy", faults) ?? everyProxy,
    httpsProxy: readProxy(environment, "https_proxy", faults) ?? everyProxy,
    noProxy: findVariable(environment, "no_proxy")?.text ?? null,
  };
  return { surroundings, faults, warnings };
}

/** The lower-case name wins, as in curl, httpx and undici; an empty variable counts as unset. */
function findVariable(environment: Environment, name: string): { variable: string; text: string } | null {
  for (const variable of [name, name.toUpperCase()]) {
    const text = environment[variable]?.trim();
    if (text !== undefined && text !== "") return { variable, text };
  }
  return null;
}

function readProxy(environment: Environment, name: string, faults: ConfigFault[]): string | null {
  const found = findVariable(environment, name);
  if (found === null) return null;
  const reading = readProxyUrl(found.text);
  if ("value" in reading) return reading.value;
  faults.push({ path: found.variable, ...reading });
  return null;
}

function readConfiguredCertificates(path: string, faults: ConfigFault[]): string | null {
  const reading = readCertificates(path);
  if ("certificates" in reading) return reading.certificates;
  const remedy = "Set the path of a PEM file with at least one certificate, or null.";
  faults.push({ path: "upstream.ca_file", fault: `it names ${reading.fault}`, remedy });
  return null;
}

/** `SSL_CERT_FILE` is often set for the whole machine: what is wrong with it must not stop a start. */
function readAmbientCertificates(environment: Environment, warnings: ConfigWarning[]): string | null {
  const path = environment["SSL_CERT_FILE"];
  if (path === undefined || path === "") return null;
  const reading = readCertificates(path);
  if ("certificates" in reading) return reading.certificates;
  warnings.push({ path: "SSL_CERT_FILE", message: `without effect, as it names ${reading.fault}` });
  return null;
}
