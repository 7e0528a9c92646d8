// `portolan up`: from nothing, or from whatever is there, to a cluster whose nodes are Ready and whose DNS answers.
import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureContainerdTemplate, prepareContainerdRoot } from "../images/mod.ts";
import { knownClusters, readPlan, writeConfigs } from "./configs.ts";
import { exclusively } from "./exclusive.ts";
import {
  checkKubeconfig,
  contextName,
  defaultKubeconfig,
  editKubeconfig,
  mergeAccess,
  renderKubeconfig,
} from "./kubeconfig.ts";
import { bridgeIndexes, createNetwork, takenRanges } from "./network.ts";
import { nodeFlags } from "./node-flags.ts";
import { bridgeName, clusterPaths, netnsName, nodePaths, stateRoot } from "./paths.ts";
import { createPki, pkiFiles, readPem } from "./pki.ts";
import {
  apiUrl,
  changedOption,
  type IPFamily,
  ipFamilyOf,
  type Plan,
  type PlanOptions,
  planCluster,
  wrongName,
  wrongOption,
} from "./plan.ts";
import { checkMachine, portsInUse } from "./preflight.ts";
import { heldElsewhere, ownProcesses, signalProcess } from "./processes.ts";
import { familiesOf } from "./ranges.ts";
import { apiReady, dnsReady, nodesReady, until } from "./ready.ts";
import { createSteps } from "./steps.ts";
import { startProcess } from "./supervise.ts";

/** A refusal with its cure: printed without a stack, exit code 1. */
export class Refusal extends Error {}

export interface UpOptions extends Omit<PlanOptions, "nodes"> {
  /** Default: as many as the cluster has, else one. */
  nodes?: number | undefined;
  /** Where the context is merged into; default as kubectl has it. */
  kubeconfig?: string | undefined;
  out(line: string): void;
}

export interface UpResult {
  plan: Plan;
  context: string;
  kubeconfig: string;
  elapsedMs: number;
}

const dist = fileURLToPath(new URL(".", import.meta.url));
const currentNetns = (): string => readlinkSync("/proc/self/ns/net");

export async function up(options: UpOptions): Promise<UpResult> {
  const wrong = wrongName(options.name);
  if (wrong) throw new Refusal(wrong);
  const held = heldElsewhere(options.name);
  if (held) throw new Refusal(held);
  return exclusively(
    clusterPaths(options.name).dir,
    () => options.out(`Another portolan command works on the cluster "${options.name}"; waiting for it`),
    () => bringUp(options),
  );
}

async function bringUp(options: UpOptions): Promise<UpResult> {
  const { name, out } = options;
  const steps = createSteps(out);
  const paths = clusterPaths(name);
  out(`Starting the cluster "${name}"`);
  const plan = await steps.step("Machine and plan", () =>
    // The ranges of clusters that are started at the same time must differ.
    exclusively(
      stateRoot,
      () => {},
      () => preparePlan(options),
    ),
  );
  await steps.step("Certificates and configuration", async () => {
    await createPki(plan, paths.pki);
    writeConfigs(plan);
    const pki = pkiFiles(paths.pki);
    writeFileSync(paths.kubeconfig, renderKubeconfig(accessOf(plan, pki)), { mode: 0o600 });
  });
  await steps.step("Network and images", async () => {
    const [template] = await Promise.all([imageTemplate(), createNetwork(plan)]);
    for (const node of plan.nodes)
      await prepareContainerdRoot(template, nodePaths(name, node.name).containerdRoot);
  });
  const started = await steps.step("Processes", () => startProcesses(plan));
  await steps.step("API server answers", () =>
    until("the API server", 30_000, () => apiReady(plan)).catch((error: Error) => {
      throw new Error(`${error.message}\n${lastLogLines(name, "server")}`, { cause: error });
    }),
  );
  await steps.step(plan.nodes.length === 1 ? "Node is Ready" : `${plan.nodes.length} nodes are Ready`, () =>
    until("the nodes", 60_000, () => nodesReady(plan, started)),
  );
  await steps.step("DNS answers", () => until("DNS", 30_000, () => dnsReady(plan)));
  const kubeconfig = options.kubeconfig ?? defaultKubeconfig();
  const context = contextName(name);
  await steps.step(`Context "${context}" in ${kubeconfig}`, () =>
    editKubeconfig(kubeconfig, (text) => mergeAccess(text, accessOf(plan, pkiFiles(paths.pki)))),
  );
  return { plan, context, kubeconfig, elapsedMs: steps.elapsed() };
}

function accessOf(plan: Plan, pki: ReturnType<typeof pkiFiles>) {
  return {
    context: contextName(plan.cluster.name),
    server: apiUrl(plan),
    caCert: readPem(pki.caCert),
    cert: readPem(pki.admin.cert),
    key: readPem(pki.admin.key),
  };
}

/** The offline images, unpacked; set-up has built them, unless this is the first `up` of an installed package. */
function imageTemplate() {
  const cacheDir = process.env.PORTOLAN_CACHE_DIR;
  return ensureContainerdTemplate({ onlyReady: true, ...(cacheDir ? { cacheDir } : {}) }).catch(
    (error: Error) => {
      throw new Refusal(
        `the offline images cannot be made: ${error.message}\nwhere Debian's packages can be reached, run: npm run setup`,
      );
    },
  );
}

async function preparePlan(options: UpOptions): Promise<Plan> {
  const { name } = options;
  const old = readPlan(name);
  const ipFamily: IPFamily = options.ipFamily ?? (old ? ipFamilyOf(old) : "ipv4");
  const asked = { ...options, nodes: options.nodes ?? old?.nodes.length ?? 1, ipFamily };
  const wrong = wrongOption(asked);
  if (wrong) throw new Refusal(wrong);
  const families = familiesOf[ipFamily];
  const lacks = await checkMachine(families);
  if (lacks.length > 0) throw new Refusal(lacks.join("\n"));
  checkKubeconfig(options.kubeconfig ?? defaultKubeconfig());
  const paths = clusterPaths(name);
  const netns = currentNetns();
  if (old) {
    const [running] = old.netns === netns ? [] : ownProcesses(name);
    if (running)
      throw new Refusal(
        `the cluster ${name} runs in another network namespace (${old.netns}; process ${running.pid}, ${running.role}); choose another name: portolan up --name NAME, or first: portolan down --name ${name}`,
      );
    const changed = changedOption(asked, old);
    // What never ran can be planned anew.
    if (changed && existsSync(join(paths.store, "store"))) throw new Refusal(changed);
    if (!changed) return savePlan({ ...old, netns }, paths.plan);
  }
  const known = knownClusters()
    .map(readPlan)
    .filter((p) => p !== undefined);
  const others = known.filter((p) => p.cluster.name !== name);
  const ownLinks = new Set(known.map((p) => bridgeName(p.index)));
  const ports =
    options.apiPort === undefined ? Array.from({ length: 50 }, (_, i) => 6443 + i) : [options.apiPort];
  const used = await portsInUse(ports, families[0] === 6 ? "::1" : "127.0.0.1");
  const result = planCluster(asked, {
    taken: await takenRanges(families, ownLinks),
    others,
    foreignIndexes: bridgeIndexes().filter((index) => !ownLinks.has(bridgeName(index))),
    netns,
    portInUse: (port) => used.has(port),
  });
  if (!result.ok) throw new Refusal(result.message);
  return savePlan(result.plan, paths.plan);
}

function savePlan(plan: Plan, file: string): Plan {
  const paths = clusterPaths(plan.cluster.name);
  for (const dir of [paths.dir, paths.run, paths.logs, paths.store]) mkdirSync(dir, { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(plan, null, 2));
  renameSync(`${file}.new`, file);
  return plan;
}

/** Names the machine of this UTS namespace by $0 and becomes the rest: a pod in its node's network has the node's host name. */
const nameThenRun = 'echo "$0" >/proc/sys/kernel/hostname && exec "$@"';

/**
 * Starts what does not run yet; what runs is left alone, unless its supervisor was killed: then it is started anew.
 * Returns the nodes that were started, and when.
 */
function startProcesses(plan: Plan): Map<string, number> {
  const started = new Map<string, number>();
  const cluster = plan.cluster.name;
  const found = ownProcesses(cluster);
  const running = new Set(found.map((p) => p.role));
  const { logs, serverConfig } = clusterPaths(cluster);
  const start = (role: string, command: string[]): boolean => {
    if (running.has(`${role}/supervisor`)) return false;
    for (const orphan of found.filter((p) => p.role === role)) signalProcess(orphan.pid, "SIGKILL");
    startProcess({ cluster, role, command, log: join(logs, `${role.replace("/", "-")}.log`) });
    return true;
  };
  start("server", [process.execPath, join(dist, "server.js"), "--config", serverConfig]);
  for (const node of plan.nodes) {
    const at = nodePaths(cluster, node.name);
    const enter = ["nsenter", `--net=/run/netns/${netnsName(cluster, node.name)}`];
    start(`${node.name}/containerd`, [
      ...enter,
      ...["unshare", "--uts", "sh", "-c", nameThenRun, node.name],
      ...["containerd", "--config", at.containerdConfig],
    ]);
    const program = [process.execPath, ...nodeFlags, join(dist, "node.js")];
    const command = [...enter, ...program, "--config", at.config];
    if (start(`${node.name}/node`, command)) started.set(node.name, Date.now());
  }
  return started;
}

/** The last lines of a cluster's logs, for the message of a failed start. */
function lastLogLines(cluster: string, role: string, lines = 5): string {
  try {
    const text = readFileSync(join(clusterPaths(cluster).logs, `${role.replace("/", "-")}.log`), "utf8");
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "";
  }
}
