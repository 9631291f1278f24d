/**
 * F3: nothing secret is in what the processes write, answer in health and errors, or show of themselves; with
 * TLS, worker processes and faults of all kinds.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, it } from "vitest";
import { makePairFiles, pem, tlsSection } from "../support/certificates.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  postIdentity,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { childrenOf } from "../support/worker-processes.ts";

setDefaultCACertificates([...getCACertificates(), pem("authority.pem")]);

const clientSecret = "client_key_SECRETabcdefgh";
const serverSecret = "ser.SECRETserverkeyijklmnop";
const pairs = [{ client_side_key: clientSecret, server_side_key: serverSecret }];

/** The lines between the marks of a PEM file. */
const linesOfKey = (name: string): string[] =>
  pem(name)
    .split("\n")
    .filter((line) => line.length > 20 && !line.startsWith("-----"));

const secrets = [
  clientSecret.slice(0, -4),
  serverSecret.slice(0, -4),
  ...["server-key.pem", "client-key.pem", "expired-key.pem"].flatMap(linesOfKey),
];

function expectNoSecret(where: string, text: string): void {
  for (const secret of secrets) expect(text.includes(secret), `${where} holds ${secret}`).toBe(false);
}

it("what is looked for is what the files hold, and would be found", () => {
  expect(secrets.length).toBeGreaterThanOrEqual(2 + 2 * 3);
  expect(() => expectNoSecret("here", `a ${pem("server-key.pem")}`)).toThrow();
});

it.each([1, 2])("F3 with %i workers nothing secret is written, answered or shown", async (workers) => {
  using files = makePairFiles();
  await using upstream = await startFaultUpstream({
    tls: { key: pem("server-key.pem"), cert: pem("server.pem"), clientAuthority: pem("client.pem") },
  });
  upstream.setDocument(serverSecret, demoDocumentText.replaceAll("demo_client_key", clientSecret));
  const client = tlsSection("client");
  const ofFiles = { client_certificate_file: client.certificate_file, client_key_file: client.key_file };
  writeFileSync(`${files.section.key_file}.ca`, pem("authority.pem"));
  const config = configFor(upstream, {
    environment_key_pairs: pairs,
    logging: { log_format: "json", log_level: "NOTSET", enable_access_log: true },
    server: { host: "127.0.0.1", port: 0, drain_delay_seconds: 0, workers, tls: files.section },
    upstream: { ca_file: `${files.section.key_file}.ca`, ...ofFiles },
    api_poll_timeout_seconds: 2,
  });
  await using proxy = startProxyProcess({ config });
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url, clientSecret)).status === 200, 25_000);

  const answers: string[] = [];
  const keep = async (response: Response) => {
    answers.push(JSON.stringify([...response.headers]), await response.text());
  };
  await keep(await fetch(`${url}/proxy/health`));
  // A key that opens nothing is repeated; its partner, or one that is right, never is.
  await keep(await getFlags(url, "unknown"));
  await keep(await postIdentity(url, "no JSON", clientSecret));
  await keep(await postIdentity(url, { identifier: 7 }, serverSecret));
  await keep(
    await fetch(`${url}/api/v1/flags/?feature=none`, { headers: { "X-Environment-Key": clientSecret } }),
  );
  await keep(await fetch(`${url}/none?key=${serverSecret}`));
  for (const certificate of ["expired", "renewed"] as const) {
    files.replace(certificate, certificate === "expired" ? "server" : certificate);
    proxy.kill("SIGHUP");
    const text = certificate === "expired" ? "cannot be renewed" : "was read again";
    await eventually(() => proxy.stdout().includes(text));
  }
  upstream.setMode(serverSecret, 500, { body: `no ${serverSecret} here` });
  await eventually(() => proxy.stdout().includes("server_error"));

  const pid = proxy.pid;
  for (const each of [pid, ...childrenOf(pid)]) {
    for (const name of ["cmdline", "comm"]) {
      expectNoSecret(`the ${name} of a process`, readFileSync(`/proc/${each}/${name}`, "utf8"));
    }
  }
  proxy.kill("SIGTERM");
  expect((await proxy.exit).code).toBe(0);
  for (const answer of answers) expectNoSecret("an answer", answer);
  expectNoSecret("standard output", proxy.stdout());
  expectNoSecret("standard error", proxy.stderr());
});

it("faults of certificates show no key, also where the key stands in place of a path", async () => {
  const key_file = `\${file:${tlsSection("server").key_file}}`;
  const upstream = { client_certificate_file: pem("client-key.pem"), client_key_file: pem("client-key.pem") };
  const server = { tls: { certificate_file: tlsSection("expired").key_file, key_file } };
  await using proxy = startProxyProcess({ config: { environment_key_pairs: pairs, server, upstream } });
  expect((await proxy.exit).code).toBe(64);
  for (const path of [
    "server.tls.key_file",
    "upstream.client_certificate_file",
    "upstream.client_key_file",
  ]) {
    expect(proxy.stderr()).toContain(`${path}: `);
  }
  expectNoSecret("standard output", proxy.stdout());
  expectNoSecret("standard error", proxy.stderr());
});
