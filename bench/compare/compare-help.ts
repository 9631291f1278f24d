/** What `--help` of the comparison prints. It decides nothing. */
import { caseNames } from "./compared-case.ts";

export const helpText = `
Compares two HTTP servers, A and B, under load: CPU per request, requests/s and latency.

Usage: node bench/compare/compare.ts <server A> <server B> [options]

A server is one of these, with --b… for B:
  --a COMMAND --a-url URL  started by the shell, to stay in the foreground; URL is http://HOST:PORT, where
                           PORT may be {port}: a free one
  --a-revision REVISION    this proxy from a git revision; "." is the working tree. It is put in front of
                           an upstream on loopback, which this tool runs
and may have:
  --a-env KEY=VALUE        a variable of its environment; repeatable
  --a-ready PATH           what answers 200 once it is ready (default: --ready)
  --a-name TEXT            what the tables call it

In COMMAND, VALUE, --header, --path and --body these are replaced; the upstream serves the --profile:
  {apiUrl}       the upstream, such as http://127.0.0.1:41234/api/v1
  {port}         the port of the server's URL (in COMMAND and VALUE only)
  {clientKey}    the client key of the environment that the upstream serves
  {serverKey}    its server key

What is asked for (default: each of the cases in turn):
  --case NAME              ${caseNames.slice(0, 4).join(", ")},
                           ${caseNames.slice(4).join(", ")}; repeatable
  --path PATH              a request of your own instead, with
  --method GET|POST        (default: GET) and
  --body TEXT
  --header 'NAME: VALUE'   added to the requests, of cases too; repeatable

How it is measured:
  --rounds N               fresh processes of both in each, the order turned (default: 5)
  --seconds N              the length of a window (default: 5)
  --warm-up N              seconds of load before it, not measured (default: 2)
  --connections N          keep-alive, one request at a time on each (default: 32)
  --profile NAME           standard, heavy or light: the environment's size (default: standard)
  --tool wrk|autocannon    (default: wrk where it is installed, else autocannon)
  --server-cores LIST      for taskset, such as 0-2,4 (default: 0)
  --load-cores LIST        (default: 1)
  --ready PATH             (default: /proxy/health)
  --start-limit N          seconds that a server may take to be ready (default: 30)
  --install                revisions get their own packages by npm ci, not those of this checkout

  --json                   one JSON object with the figures of each round
  -h, --help               this text

Exit codes: 0 measured; 1 something failed, which is said; 64 wrong options; 130 interrupted.
`.trimStart();
