/**
 * The settings of the section `server`: how the proxy listens, to whom, and how it ends. It must not read
 * files.
 */
import { z } from "zod";
import { readNetwork } from "./network-reader.ts";
import { pathPattern } from "./pem-files.ts";
import { bytes, countMax, seconds } from "./quantities.ts";
import { boolean, choice, number, readText, readWorkers, setting } from "./setting-readers.ts";

const tls = z
  .object({
    certificate_file: setting(
      readText({
        wanted: "the path of a PEM file",
        pattern: pathPattern,
        remedy: "Set the path of a file with the certificate and its chain.",
      }),
    ),
    key_file: setting(
      readText({
        wanted: "the path of a PEM file",
        pattern: pathPattern,
        remedy: "Set the path of a file with the certificate's private key.",
      }),
    ),
    minimum_version: choice({ "tlsv1.2": "TLSv1.2", "tlsv1.3": "TLSv1.3" }, "TLSv1.2"),
  })
  .nullable()
  .prefault(null);

const host = setting(
  readText({
    wanted: "an IP address or a host name",
    pattern: /^[A-Za-z0-9._:%-]+$/,
    remedy: "Set an address to listen on, such as 0.0.0.0 or ::, without scheme, brackets and port.",
  }),
);

/** The section `admin` of the file. */
export const admin = z.object({
  host: host.prefault("127.0.0.1"),
  port: number<number | null>({ default: null, min: 0, max: 65_535, whole: true }, true),
});

/** The section `server` of the file. */
export const server = z
  .object({
    host: host.prefault("0.0.0.0"),
    port: number({ default: 8000, min: 0, max: 65_535, whole: true }),
    reload: boolean(false),
    proxy_headers: boolean(false),
    timeout_keep_alive: seconds(75),
    headers_timeout_seconds: seconds(5),
    request_timeout_seconds: seconds(10),
    write_timeout_seconds: seconds(30),
    header_bytes_max: bytes(16_384),
    connections_max: number<number | null>({ default: null, min: 1, max: countMax, whole: true }, true),
    backlog: number({ default: 1024, min: 1, max: 65_535, whole: true }),
    workers: setting(readWorkers).prefault(1),
    drain_delay_seconds: number({ default: 5, min: 0, max: 3600 }),
    drain_timeout_seconds: number({ default: 10, min: 0, max: 3600 }),
    tls,
    allow_clients: z.array(setting(readNetwork)).prefault([]),
    rate_limit: z
      .object({
        requests_per_second: number({ default: 100, max: countMax }),
        burst: number({ default: 200, min: 1, max: countMax, whole: true }),
      })
      .nullable()
      .prefault(null),
  })
  .superRefine((value, context) => {
    // NOTE: Node refuses to create such a server.
    if (value.headers_timeout_seconds <= value.request_timeout_seconds) return;
    context.addIssue({
      code: "custom",
      path: ["headers_timeout_seconds"],
      message: "it is longer than server.request_timeout_seconds",
      params: { remedy: "Set it to at most server.request_timeout_seconds." },
    });
  });
