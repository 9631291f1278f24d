/**
 * Loaded into each measured server by `--import`: tells the benchmark over IPC how much CPU the process has
 * used. It is idle between two questions.
 */
process.on("message", (question) => {
  if (question === "cpu") process.send?.({ cpu: process.cpuUsage() });
});
// A server must end by itself once its benchmark is gone.
process.on("disconnect", () => process.exit(0));
