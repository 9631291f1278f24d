import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * Two projects, one after the other. Most tests mostly wait, and run side by side: by two workers at least,
 * where vitest's own number, one less than there are cores, may be one. Those of test/faults put load on the
 * proxy, and look at memory and at how long things take: each of their files has the machine for itself.
 */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Where a second is not enough on a busy machine.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "parallel",
          include: ["test/**/*.test.ts"],
          exclude: ["test/faults/**"],
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ["test/faults/**/*.test.ts"],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
