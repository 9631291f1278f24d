/**
 * The files of `server.tls` and of the certificate for the upstream: what is wrong with them is said at the
 * start, by setting and remedy.
 */
import { expect, test } from "vitest";
import { pem } from "../support/certificates.ts";
import { faultsOf, load, pair } from "./config-folder.ts";

const files = {
  "tls.crt": pem("server.pem"),
  "tls.key": pem("server-key.pem"),
  "other.key": pem("renewed-key.pem"),
  "locked.key": pem("encrypted-key.pem"),
  "broken.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  "broken.key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  "empty.pem": "nothing",
  "old.crt": pem("expired.pem"),
  "old.key": pem("expired-key.pem"),
};
const configOf = (tls: unknown) => ({ environment_key_pairs: [pair], server: { tls } });
const good = { certificate_file: "tls.crt", key_file: "tls.key" };
const certificateRemedy = "Set the path of a PEM file with the certificate, then its chain.";
const keyRemedy = "Set the path of a PEM file with the certificate's private key, without a passphrase.";

test("without it there is no TLS", () => {
  expect(load(configOf(null)).settings.server.tls).toBeNull();
  expect(load({ environment_key_pairs: [pair] }).settings.server.tls).toBeNull();
});

test("paths start at the configuration's folder, and TLS 1.2 is the least", () => {
  const { settings, warnings } = load(configOf(good), {}, files);
  expect(settings.server.tls).toMatchObject({
    certificateFile: expect.stringMatching(/^\/.*\/tls\.crt$/),
    keyFile: expect.stringMatching(/^\/.*\/tls\.key$/),
    minimumVersion: "TLSv1.2",
    pair: { key: pem("server-key.pem") },
  });
  expect(warnings).toEqual([]);
  const newer = load(configOf({ ...good, minimum_version: "tlsv1.3" }), {}, files);
  expect(newer.settings.server.tls?.minimumVersion).toBe("TLSv1.3");
});

const certificateFaults: Readonly<Record<string, string>> = {
  "none.crt": "no such file",
  "empty.pem": "a file without a PEM certificate",
  "tls.key": "a file without a PEM certificate",
  "broken.crt": "a file with a certificate that cannot be parsed",
};

test.each(Object.entries(certificateFaults))("a certificate file that is %s is a fault", (name, fault) => {
  expect(faultsOf(configOf({ ...good, certificate_file: name }), {}, files)).toEqual([
    `server.tls.certificate_file: it names ${fault}. ${certificateRemedy}`,
  ]);
});

const keyFaults: Readonly<Record<string, string>> = {
  "none.key": "no such file",
  "tls.crt": "a file without a PEM private key",
  "broken.key": "a file with a key that cannot be parsed",
  "locked.key": "a key with a passphrase",
  "other.key": "a key of another certificate",
};

test.each(Object.entries(keyFaults))("a key file that is %s is a fault", (name, fault) => {
  expect(faultsOf(configOf({ ...good, key_file: name }), {}, files)).toEqual([
    `server.tls.key_file: it names ${fault}. ${keyRemedy}`,
  ]);
});

test("faults of both files are told at once, and of a variable with its name", () => {
  const both = faultsOf(configOf({ certificate_file: "no.crt", key_file: "no.key" }));
  expect(both).toHaveLength(2);
  const [fault] = faultsOf(configOf(good), { SERVER__TLS__KEY_FILE: "no.key" }, files);
  expect(fault).toContain("no such file, in the variable SERVER__TLS__KEY_FILE");
});

test("PEM text in place of a path is a fault, and not repeated", () => {
  const faults = faultsOf(configOf({ ...good, key_file: "${" + "file:tls.key}" }), {}, files);
  expect(faults).toEqual([
    "server.tls.key_file: expected the path of a PEM file, found text of another form. " +
      "Set the path of a file with the certificate's private key.",
  ]);
});

test("half a section is a fault", () => {
  expect(faultsOf(configOf({ certificate_file: "tls.crt" }), {}, files)).toEqual([
    "server.tls.key_file: expected the path of a PEM file, found nothing. " +
      "Set the path of a file with the certificate's private key.",
  ]);
});

test("an expired certificate is used, with a warning", () => {
  const { settings, warnings } = load(
    configOf({ certificate_file: "old.crt", key_file: "old.key" }),
    {},
    files,
  );
  expect(settings.server.tls?.pair.certificate).toContain("BEGIN CERTIFICATE");
  expect(warnings).toEqual([
    {
      path: "server.tls.certificate_file",
      message: "the certificate has expired on 2020-01-02T00:00:00.000Z: peers will refuse it",
    },
  ]);
});

const clientFiles = { client_certificate_file: "tls.crt", client_key_file: "tls.key" };
const upstreamOf = (upstream: unknown, further = {}) => ({
  environment_key_pairs: [pair],
  upstream,
  ...further,
});

test("a client's certificate is read from the configuration's folder; without one there is none", () => {
  const { settings, warnings } = load(upstreamOf(clientFiles), {}, files);
  expect(settings.upstream.clientCertificate?.key).toBe(pem("server-key.pem"));
  expect(warnings).toEqual([]);
  expect(load(upstreamOf({})).settings.upstream.clientCertificate).toBeNull();
});

test.each([
  ["client_key_file", "client_certificate_file", keyRemedy],
  ["client_certificate_file", "client_key_file", certificateRemedy],
])("a client's certificate without %s is a fault", (missing, given, remedy) => {
  expect(faultsOf(upstreamOf({ ...clientFiles, [missing]: null }), {}, files)).toEqual([
    `upstream.${missing}: it is missing beside upstream.${given}. ${remedy} Or remove both.`,
  ]);
});

test("a client's key of another certificate is a fault", () => {
  expect(faultsOf(upstreamOf({ ...clientFiles, client_key_file: "other.key" }), {}, files)).toEqual([
    `upstream.client_key_file: it names a key of another certificate. ${keyRemedy}`,
  ]);
});

test("a client's certificate towards an upstream without TLS is warned of", () => {
  const { warnings } = load(upstreamOf(clientFiles, { api_url: "http://flags.internal/api/v1" }), {}, files);
  expect(warnings).toEqual([
    {
      path: "upstream.client_certificate_file",
      message: "without effect, as api_url is no https:// URL",
    },
  ]);
});
