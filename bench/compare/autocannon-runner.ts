/**
 * A process that lets autocannon send for one window, and prints its figures as one line of JSON. The first
 * argument is the file with the order.
 */
import { readFileSync } from "node:fs";
import { createHistogram } from "node:perf_hooks";
import autocannon from "autocannon";
import { bodyText } from "./compared-case.ts";
import type { WindowOrder, WindowResult } from "./load-tool.ts";

/** So many faults end a window early: a server that is gone gives thousands in a second. */
const faultsMax = 1000;
/** What wrk allows an answer. */
const answerLimitSeconds = 2;

const order = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as WindowOrder;
const result = await send(order);
console.log(JSON.stringify(result));

function send({ origin, request, connections, seconds, firstNumber }: WindowOrder): Promise<WindowResult> {
  const { method, path, headers, body } = request;
  let number = firstNumber;
  const setupRequest = (each: autocannon.Request): autocannon.Request => {
    const text = bodyText(request, number);
    number += 1;
    return { ...each, body: text };
  };
  // autocannon keeps whole milliseconds, which are too coarse on loopback.
  const latenciesUs = createHistogram();
  let faultyAnswers = 0;
  return new Promise((resolve, reject) => {
    const options: autocannon.Options = {
      url: origin,
      method: method === "POST" ? "POST" : "GET",
      headers,
      // As part of the URL, the path would be encoded anew.
      requests: [body === null ? { path, setupRequest } : { path, body }],
      connections,
      duration: seconds,
      timeout: answerLimitSeconds,
      bailout: faultsMax,
    };
    const instance = autocannon(options, (error: Error | null, outcome: autocannon.Result) => {
      if (error) return reject(error);
      const { requests, errors, timeouts, duration } = outcome;
      const answers = latenciesUs.count;
      // What is under way when the window ends was not refused by anybody.
      const unanswered = Math.max(requests.sent - answers - connections - errors, 0);
      const percentileMs = (percent: number) => latenciesUs.percentile(percent) / 1000;
      resolve({
        requests: answers,
        seconds: duration,
        p50Ms: percentileMs(50),
        p99Ms: percentileMs(99),
        p999Ms: percentileMs(99.9),
        failures: {
          "answers with status 400 or above": faultyAnswers,
          "failed connections": errors - timeouts,
          "requests without answer in time": timeouts,
          "connections closed in place of an answer": unanswered,
        },
      });
    });
    instance.on("response", (_client, status, _bytes, durationMs) => {
      latenciesUs.record(Math.max(Math.round(durationMs * 1000), 1));
      if (status < 200 || status >= 400) faultyAnswers += 1;
    });
  });
}
