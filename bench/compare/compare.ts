/**
 * Compares two servers, or two revisions of this proxy, under load: see `--help`. It puts the parts
 * together, and turns the outcome into an exit code.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showProgress } from "../bench-command.ts";
import { isPinned } from "../child-process.ts";
import { startUpstream } from "../measured-servers.ts";
import { clientKey, profileDocument, serverKey } from "../profile-document.ts";
import { helpText } from "./compare-help.ts";
import { type CompareOptions, readCompareOptions, type ServerOptions } from "./compare-options.ts";
import type { ServerPlan } from "./compared-server.ts";
import { ComparisonError, UsageError } from "./comparison-errors.ts";
import { failureLines, type RunFacts, reportJson, reportText } from "./comparison-report.ts";
import { type CaseOutcome, checkCases, type Measuring, measureRound } from "./comparison-rounds.ts";
import { chooseLoadTool } from "./load-tool.ts";
import { chooseCpuClock } from "./process-cpu.ts";
import { checkOut } from "./revision-checkout.ts";

const exitCodes = { ok: 0, failure: 1, wrongUsage: 64, interrupted: 130 } as const;
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort());

process.exitCode = await runCommand(process.argv.slice(2), interruption.signal);

async function runCommand(args: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    const options = readCompareOptions(args);
    if (options === null) process.stdout.write(helpText);
    return options === null ? exitCodes.ok : await compare(options, signal);
  } catch (error) {
    showProgress("");
    if (signal.aborted) return exitCodes.interrupted;
    if (!(error instanceof UsageError || error instanceof ComparisonError)) throw error;
    console.error(error.message);
    if (error instanceof ComparisonError) return exitCodes.failure;
    console.error("Try --help");
    return exitCodes.wrongUsage;
  }
}

async function compare(options: CompareOptions, signal: AbortSignal): Promise<number> {
  const tool = chooseLoadTool(options.tool);
  const pinning = choosePinning(options);
  const clock = chooseCpuClock();
  // Ended in reverse: the checkouts before the folder that they are in.
  await using stack = new AsyncDisposableStack();
  const scratch = stack.adopt(mkdtempSync(join(tmpdir(), "bench-compare-")), (folder) =>
    rmSync(folder, { recursive: true, force: true }),
  );
  const upstream = stack.adopt(await startUpstream(profileDocument(options.profile)), (each) => each.close());
  const notes: string[] = [];
  const plan = async (server: ServerOptions) => await planServer(server, options, scratch, stack, notes);
  const { windowSeconds, warmUpSeconds, connections, rounds, startLimitSeconds } = options;
  const measuring: Measuring = {
    plans: [await plan(options.servers[0]), await plan(options.servers[1])],
    surroundings: {
      ...{ scratch, signal, apiUrl: upstream.apiUrl, prefix: pinning.server },
      startLimitMs: startLimitSeconds * 1000,
    },
    ...{ tool, clock, loadPrefix: pinning.load, connections, windowSeconds, warmUpSeconds },
    onProgress: showProgress,
  };
  const outcomes = await measureAll(measuring, options);
  showProgress("");
  const [a, b] = measuring.plans;
  const facts: RunFacts = {
    ...{ servers: { a: a.name, b: b.name }, node: process.version, tool, cpuSource: clock.source },
    ...{ pinning: pinning.text, profile: options.profileName, rounds, seconds: windowSeconds },
    ...{ warmUpSeconds, connections, notes },
  };
  console.log(options.json ? reportJson(facts, outcomes) : reportText(facts, outcomes));
  const failed = failureLines(outcomes).length;
  if (failed > 0) console.error(`${failed} ${failed === 1 ? "failure" : "failures"}: see FAILED`);
  return failed > 0 ? exitCodes.failure : exitCodes.ok;
}

/** What one server cannot answer is not measured on the other either: there is nothing to compare. */
async function measureAll(measuring: Measuring, { cases, rounds }: CompareOptions): Promise<CaseOutcome[]> {
  const outcomes = await checkCases(measuring, cases);
  const answered = outcomes.filter(({ failures }) => failures.length === 0);
  for (let round = 0; round < rounds; round += 1) {
    for (const outcome of answered) {
      showProgress(`round ${round + 1} of ${rounds}: ${outcome.compared.name}`);
      await measureRound(measuring, outcome, round);
    }
  }
  return outcomes;
}

async function planServer(
  { side, source, name, readyPath, variables }: ServerOptions,
  { installs }: CompareOptions,
  scratch: string,
  stack: AsyncDisposableStack,
  notes: string[],
): Promise<ServerPlan> {
  const rest = { side, readyPath };
  if (source.kind === "command") {
    const { command, url } = source;
    const program = ["/bin/sh", "-c", command] as const;
    return { ...rest, name: name ?? command, program, url, variables, isForeign: true };
  }
  const checkout = stack.use(await checkOut(source.revision, { side, scratch, installs }));
  notes.push(...checkout.notes);
  // At once as well: they may say why the server does not start.
  for (const note of checkout.notes) console.error(`NOTE: ${note}`);
  const own = {
    ENVIRONMENT_KEY_PAIRS: JSON.stringify([{ client_side_key: clientKey, server_side_key: serverKey }]),
    API_URL: "{apiUrl}",
    API_POLL_FREQUENCY_SECONDS: "3600",
    SERVER__HOST: "127.0.0.1",
    SERVER__PORT: "{port}",
    // Two revisions on one folder would be one with a store and one without.
    STORAGE__ENABLED: "false",
  };
  return {
    ...{ ...rest, name: name ?? checkout.name, url: "http://127.0.0.1:{port}", isForeign: false },
    program: [process.execPath, checkout.mainFile, "serve"],
    variables: { ...own, ...variables },
  };
}

interface Pinning {
  readonly server: readonly string[];
  readonly load: readonly string[];
  readonly text: string;
}

/** @throws UsageError where this machine has no such cores */
function choosePinning({ serverCores, loadCores }: CompareOptions): Pinning {
  if (!isPinned)
    return { server: [], load: [], text: "nothing is pinned to a core: no taskset, or one core" };
  const [server, load] = [serverCores, loadCores].map((cores) => ["taskset", "-c", cores]) as [
    string[],
    string[],
  ];
  for (const [file = "", ...args] of [server, load]) {
    const { status, stderr } = spawnSync(file, [...args, "true"], { encoding: "utf8" });
    if (status !== 0) throw new UsageError(`${[file, ...args].join(" ")}: ${stderr.trim()}`);
  }
  return { server, load, text: `servers on core ${serverCores}, load on core ${loadCores}` };
}
