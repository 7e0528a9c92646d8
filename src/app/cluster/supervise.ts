// Starts a process of a cluster under a small shell that starts it again when it dies.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { clusterMark, runRoot, stateRoot } from "./paths.ts";

export interface ProcessSpec {
  cluster: string;
  /** e.g. "server", "node-1/containerd", "node-1/node". */
  role: string;
  command: readonly string[];
  log: string;
  env?: Record<string, string>;
}

/**
 * Starts its arguments again whenever they end: at once after 3 s of life or when someone killed them, else after 1 s, 2 s,
 * … 5 s. SIGTERM ends both.
 * dash and sleep: about 1 MB resident, where a Node process takes 40.
 */
const supervisor = `
child=
trap 'trap "" TERM; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null; exit 0' TERM INT
pause=0
while :; do
  began=$(date +%s)
  "$@" &
  child=$!
  wait "$child"
  code=$?
  child=
  lived=$(( $(date +%s) - began ))
  echo "portolan: $PORTOLAN_ROLE ended with code $code after $lived s" >&2
  if [ "$lived" -ge 3 ] || [ "$code" -eq 137 ]; then pause=0; fi
  sleep "$pause" & child=$!
  wait "$child"
  child=
  pause=$(( pause + 1 ))
  if [ "$pause" -gt 5 ]; then pause=5; fi
done
`;

/** Starts a supervised process that outlives this one; its output is appended to the log. Returns the supervisor's pid. */
export function startProcess(spec: ProcessSpec): number {
  mkdirSync(dirname(spec.log), { recursive: true });
  const log = openSync(spec.log, "a", 0o640);
  try {
    const child = spawn("/bin/sh", ["-c", supervisor, "portolan-supervise", ...spec.command], {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: "/",
      env: {
        ...process.env,
        ...spec.env,
        [clusterMark]: spec.cluster,
        PORTOLAN_ROLE: spec.role,
        // In full: by these two the process is known to be of this cluster and not of another one of its name.
        PORTOLAN_STATE_DIR: stateRoot,
        PORTOLAN_RUN_DIR: runRoot,
      },
    });
    child.on("error", () => {});
    child.unref();
    return child.pid ?? -1;
  } finally {
    closeSync(log);
  }
}
