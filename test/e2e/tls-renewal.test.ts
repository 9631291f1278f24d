/** SIGHUP: certificate and key are read again, by all workers; a faulty pair changes nothing. */
import { once } from "node:events";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { makePairFiles } from "../support/certificates.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { RawConnection, requestText } from "../support/raw-client.ts";
import {
  configFor,
  eventually,
  logRecords,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { replaceAll } from "../support/worker-processes.ts";

/** The names in the certificates that so many new connections get. */
async function namesOf(port: number, count = 6): Promise<string> {
  const nameOf = async () => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };
  const names = await Promise.all(Array.from({ length: count }, nameOf));
  return [...new Set(names)].join();
}

const linesWith = (proxy: ProxyProcess, part: string) =>
  logRecords(proxy).filter(({ message }) => message.includes(part));

it.concurrent.each([1, 2])(
  "with %i workers SIGHUP renews the certificate, or says why not",
  async (count) => {
    using files = makePairFiles();
    await using upstream = await startFaultUpstream();
    upstream.setDocument(serverKey, "{}");
    const server = { host: "127.0.0.1", port: 0, drain_delay_seconds: 0, workers: count, tls: files.section };
    await using proxy = startProxyProcess({ config: configFor(upstream, { server }) });
    const port = Number(new URL(await proxy.url()).port);
    expect(await namesOf(port)).toBe("127.0.0.1");
    await using kept = await RawConnection.openSecurely(port);

    files.replace("renewed");
    proxy.kill("SIGHUP");
    await eventually(async () => (await namesOf(port)) === "renewed.127.0.0.1");
    await eventually(() => linesWith(proxy, "certificate was read again").length > 0);
    expect(linesWith(proxy, "certificate was read again")).toMatchObject([{ level: "info" }]);
    expect((await kept.send(requestText("GET /proxy/health/liveness")).response()).status).toBe(200);

    files.replace("server", "expired");
    proxy.kill("SIGHUP");
    await eventually(() => linesWith(proxy, "cannot be renewed").length > 0);
    expect(linesWith(proxy, "cannot be renewed")).toMatchObject([
      { level: "error", faults: "server.tls.key_file: it names a key of another certificate" },
    ]);
    // The pair is a part of the configuration, which is read again too.
    await eventually(() => linesWith(proxy, "refused whole").length > 0);
    expect(linesWith(proxy, "refused whole")).toMatchObject([{ level: "error" }]);
    expect(await namesOf(port)).toBe("renewed.127.0.0.1");

    if (count > 1) {
      // A worker that comes later has the certificate that was read last, not that of the start.
      await replaceAll(proxy);
      await eventually(async () => (await namesOf(port)) === "renewed.127.0.0.1", 25_000);
    }
    proxy.kill("SIGTERM");
    expect((await proxy.exit).code).toBe(0);
  },
);
