/** The webhook of a running proxy, byte by byte and with several workers. */
import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { ask, RawConnection, requestText } from "../support/raw-client.ts";
import {
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  serverKey,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { askEach, flagsRequest, startWorkers } from "../support/worker-processes.ts";

const pathSecret = "path-secret-0123456789";
const signingSecret = "signing-secret-of-the-test";
const webhook = { path_secret: pathSecret, signing_secret: signingSecret, body_bytes_max: 4096 };
const config = { webhook, api_poll_frequency_seconds: 3600 };
const path = `/proxy/webhook/${pathSecret}`;
const body = '{"data":{"new_state":{"environment":{"id":1,"name":"Demo"}}}}';

const sign = (text: string, secret = signingSecret): string =>
  createHmac("sha256", secret).update(text).digest("hex");

/** A whole request; without a signature where that is null. */
function requestOf(text = body, signature: string | null = sign(text), at = path): string {
  const headers = signature === null ? [] : [`X-Flagsmith-Signature: ${signature}`];
  return requestText(`POST ${at}`, headers, text);
}

it("a change is served after a webhook, however long the polls are apart", async () => {
  await using proxy = await startProxy({ config });
  for (const banner of ["second", "third"]) {
    proxy.upstream.setDocument(serverKey, demoDocumentWith({ banner_text: banner }));
    expect(await ask(proxy.port, requestOf())).toMatchObject({ status: 200, body: "" });
    await eventually(async () => (await (await getFlags(proxy.url)).text()).includes(banner));
  }
  const levels = proxy.lines.filter(({ message }) => /webhook/i.test(message)).map(({ level }) => level);
  expect(levels).toEqual(["debug", "debug"]);
});

it("a flood of webhooks, sent again and again, is few refreshes", async () => {
  await using proxy = await startProxy({ config });
  const before = proxy.upstream.requests().length;
  await using connection = await RawConnection.open(proxy.port);
  for (let each = 0; each < 500; each += 1) {
    connection.send(requestOf());
    expect((await connection.response()).status).toBe(200);
  }
  await eventually(() => proxy.upstream.requests().length > before);
  expect(proxy.upstream.requests().length - before).toBeLessThan(50);
});

it("who has not signed it gets 401 and no refresh, on a connection that goes on", async () => {
  await using proxy = await startProxy({ config });
  const before = proxy.upstream.requests().length;
  await using connection = await RawConnection.open(proxy.port);
  const wrong = sign(body, "another-secret");
  const signatures = [
    null,
    "",
    wrong,
    "0".repeat(64),
    `${sign(body)}0`,
    sign(body).slice(2),
    "\xff".repeat(64),
  ];
  for (const signature of signatures) {
    connection.send(requestOf(body, signature));
    expect(await connection.response()).toMatchObject({
      status: 401,
      body: '{"status":"unauthorized","message":"the X-Flagsmith-Signature header is missing or wrong"}',
    });
  }
  connection.send(requestOf(body, sign(body), `${path}x`));
  expect(await connection.response()).toMatchObject({ status: 404 });
  connection.send(flagsRequest());
  expect(await connection.response()).toMatchObject({ status: 200 });
  expect(proxy.upstream.requests()).toHaveLength(before);
});

it("a body in chunks is as good as one in a piece, and one too long is refused", async () => {
  await using proxy = await startProxy({ config });
  const before = proxy.upstream.requests().length;
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Flagsmith-Signature: ${sign(body)}\r\n`;
  const pieces = [body.slice(0, 7), body.slice(7)].map(
    (each) => `${each.length.toString(16)}\r\n${each}\r\n`,
  );
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${pieces.join("")}0\r\n\r\n`;
  expect(await ask(proxy.port, chunked)).toMatchObject({ status: 200 });
  await eventually(() => proxy.upstream.requests().length > before);
  expect(await ask(proxy.port, requestOf(" ".repeat(4097)))).toMatchObject({ status: 413 });
});

it("without its settings there is no such route", async () => {
  await using proxy = await startProxy();
  const answer = await ask(proxy.port, requestOf());
  expect(answer).toMatchObject({ status: 404, body: '{"status":"not_found","message":"no such route"}' });
});

it("each of several workers takes webhooks, and all of them serve the change", async () => {
  await using running = await startWorkers({ config });
  // Each worker has two of them, and a second passes between two refreshes.
  await using connections = await running.connect(4);
  for (const [index, connection] of connections.all.entries()) {
    const banner = `banner ${index}`;
    running.upstream.setDocument(serverKey, demoDocumentWith({ banner_text: banner }));
    const [answer] = await askEach([connection], requestOf());
    expect(answer?.status).toBe(200);
    await eventually(async () => {
      const answers = await askEach(connections.all, flagsRequest());
      return answers.every((each) => each.body.includes(banner));
    });
  }
});

it("neither secret is logged, nor shown by a faulty configuration", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const logging = { enable_access_log: true, log_level: "DEBUG" };
  const secrets = { PATH_SECRET: pathSecret, SIGNING_SECRET: signingSecret };
  const section = { path_secret: "$" + "{PATH_SECRET}", signing_secret: "$" + "{SIGNING_SECRET}" };
  await using proxy = startProxyProcess({
    config: configFor(upstream, { ...config, webhook: section, logging }),
    environment: secrets,
  });
  const { port } = new URL(await proxy.url());
  // The router reads the third and the fourth as the first.
  const spelt = ["proxy/%77ebhook", "proxy/x/../webhook"].map((at) => `/${at}/${pathSecret}`);
  const requests = [
    requestOf(),
    requestOf(body, null),
    ...spelt.map((at) => requestOf(body, sign(body), at)),
  ];
  const statuses: number[] = [];
  for (const request of requests) statuses.push((await ask(Number(port), request)).status);
  expect(statuses).toEqual([200, 401, 200, 200]);
  const mistyped = ["proxy//webhook", "webhook", "proxy/webhook%2f", "x/Webhook/", "proxy/webhook/..%2f"];
  for (const path of mistyped)
    await ask(Number(port), `GET /${path}/${pathSecret} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const masked = requests.length + mistyped.length;
  await eventually(() => proxy.stdout().match(/webhook\/+…/gi)?.length === masked);
  proxy.kill("SIGTERM");
  await proxy.exit;
  const section2 = { path_secret: `${pathSecret} ?`, signing_secret: `${signingSecret}\n${signingSecret}` };
  await using faulty = startProxyProcess({ config: configFor(upstream, { webhook: section2 }) });
  expect((await faulty.exit).code).toBe(64);
  expect(faulty.stderr() + faulty.stdout()).toContain("webhook.path_secret");
  for (const output of [proxy.stdout(), proxy.stderr(), faulty.stdout(), faulty.stderr()]) {
    for (const secret of [pathSecret, signingSecret]) expect(output).not.toContain(secret);
  }
});
